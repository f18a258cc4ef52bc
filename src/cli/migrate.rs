//! `portcullis migrate`.

use serde_json::json;

use super::{Done, open_storage, output::Out};
use crate::config::Config;

pub(super) async fn run(config: &Config, out: Out) -> Done {
    let ran = open_storage(config).await?.migrate().await?;
    let sentence = match ran.as_slice() {
        [] => "the database is at this version".to_owned(),
        ran => format!("ran: {}", ran.join(", ")),
    };
    out.told(&sentence, &json!({ "ran": ran }))
}
