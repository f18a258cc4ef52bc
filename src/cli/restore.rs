//! `portcullis restore`.

use super::{Done, Failure, open_storage, output::say};
use crate::{config::Config, domain::EventNumber};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Answer yes to the question
    #[arg(long)]
    yes: bool,
}

/// Ends everything that was signed in before the database was restored from a backup: what was
/// ended, rotated or withdrawn since that backup is not in it.
pub(super) async fn run(arguments: &Arguments, config: &Config) -> Done {
    let question = "This ends every session, grant and token of every tenant: everybody signs in again.";
    if !arguments.yes && !confirmed(question)? {
        return Err(Failure("nothing was done; --yes answers for a script".into()));
    }
    let storage = open_storage(config).await?;
    storage.migrate().await?;
    let head = storage.read_installation().await?.head().await?;
    let begun = storage.begin_epoch(EventNumber(head.0)).await?;
    say(&format!("everything of before event {begun} has been ended; start the nodes now"))
}

fn confirmed(question: &str) -> Result<bool, Failure> {
    use std::io::{IsTerminal as _, Write as _};
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    eprint!("{question} Go on? [y/N] ");
    std::io::stderr().flush()?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}
