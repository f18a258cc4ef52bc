//! `portcullis config`.

use clap::Subcommand;
use serde_json::Value;

use super::{Done, output::Out};
use crate::config::Config;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Show every setting, its value and who has set it; of a secret, that there is one
    Show,
}

pub(super) fn run(command: &Command, config: &Config, out: Out) -> Done {
    match command {
        Command::Show => {
            let shown: Vec<Value> =
                config.shown().iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
            out.list(&shown, &["name", "value", "from"])
        }
    }
}
