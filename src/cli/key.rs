//! `portcullis key`.

use clap::Subcommand;
use serde_json::{Value, json};

use super::{Done, TenantArgument, Work, confirm::Yes, door::Address};

/// What a list shows.
pub const COLUMNS: &[&str] = &["kid", "alg", "state", "created_at", "expires_at"];

#[derive(Subcommand)]
pub(super) enum Command {
    /// List the signing keys of a tenant
    List {
        #[command(flatten)]
        tenant: TenantArgument,
    },
    /// Let the next key sign, and publish a new one after it
    Rotate {
        #[command(flatten)]
        tenant: TenantArgument,
        #[command(flatten)]
        yes: Yes,
    },
    /// Withdraw a key that has leaked: every token that it signed is refused
    Withdraw {
        #[command(flatten)]
        tenant: TenantArgument,
        /// Its kid
        kid: String,
        #[command(flatten)]
        yes: Yes,
    },
}

/// The keys of a tenant, which are few: a list without pages.
fn items(listed: &Value) -> Vec<Value> {
    listed.get("items").and_then(Value::as_array).cloned().unwrap_or_default()
}

pub(super) async fn run(command: Command, work: &Work) -> Done {
    let Work { door, out } = work;
    match command {
        Command::List { tenant: TenantArgument { slug } } => {
            let keys = door.get(&Address::of(&["tenants", &slug, "keys"])).await;
            out.list(&items(&door.named(&slug, "", keys).await?), COLUMNS)
        }
        Command::Rotate { tenant: TenantArgument { slug }, yes } => {
            yes.or_ask(&format!("This lets the next key of tenant {slug} sign."))?;
            let at = Address::of(&["tenants", &slug, "keys", "rotate"]);
            let rotated = door.named(&slug, "", door.post(&at, &json!({})).await).await?;
            out.list(&items(&rotated), COLUMNS)
        }
        Command::Withdraw { tenant: TenantArgument { slug }, kid, yes } => {
            yes.or_ask(&format!(
                "This refuses every token that key {kid} of tenant {slug} has signed."
            ))?;
            let at = Address::of(&["tenants", &slug, "keys", &kid, "withdraw"]);
            let withdrawn = door.post(&at, &json!({})).await;
            out.one(&door.named(&slug, &format!("key {kid}"), withdrawn).await?)
        }
    }
}
