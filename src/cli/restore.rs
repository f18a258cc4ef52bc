//! `portcullis restore`.

use serde_json::json;

use super::{Done, confirm::Yes, open_storage, output::Out};
use crate::{config::Config, domain::EventNumber};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    yes: Yes,
}

/// Ends everything that was signed in before the database was restored from a backup: what was
/// ended, rotated or withdrawn since that backup is not in it.
pub(super) async fn run(arguments: &Arguments, config: &Config, out: Out) -> Done {
    let question =
        "This ends every session, grant and token of every tenant: everybody signs in again.";
    arguments.yes.or_ask(question)?;
    let storage = open_storage(config).await?;
    storage.migrate().await?;
    let head = storage.read_installation().await?.head().await?;
    let begun = storage.begin_epoch(EventNumber(head.0)).await?;
    let sentence =
        format!("everything of before event {begun} has been ended; start the nodes now");
    out.told(&sentence, &json!({ "event": begun.0 }))
}
