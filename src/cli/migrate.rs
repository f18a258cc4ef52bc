//! `portcullis migrate`.

use super::{Done, open_storage, output::say};
use crate::config::Config;

pub(super) async fn run(config: &Config) -> Done {
    let ran = open_storage(config).await?.migrate().await?;
    match ran.as_slice() {
        [] => say("the database is at this version"),
        ran => say(&format!("ran: {}", ran.join(", "))),
    }
}
