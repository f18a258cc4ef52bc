//! `portcullis tenant`.

use clap::Subcommand;
use serde_json::{Value, json};

use super::{
    Done, Work,
    confirm::Yes,
    door::{Address, said, text},
};

/// What a list shows.
pub const COLUMNS: &[&str] = &["slug", "name", "status", "issuer", "created_at"];

#[derive(Subcommand)]
pub(super) enum Command {
    /// List tenants
    List,
    /// Show a tenant
    Show {
        /// Its slug
        slug: String,
    },
    /// Make a tenant, with its signing keys
    Create {
        /// Its slug
        slug: String,
        /// Its name for people
        #[arg(long)]
        name: Option<String>,
    },
    /// Change a tenant: NAME=VALUE for each setting
    Update {
        /// Its slug
        slug: String,
        /// Its name for people
        #[arg(long)]
        name: Option<String>,
        /// A setting, like access_token_ttl=600
        #[arg(long = "set", value_name = "NAME=VALUE")]
        settings: Vec<String>,
    },
    /// Suspend a tenant: its endpoints stop, its sessions end, its data stays
    Suspend {
        /// Its slug
        slug: String,
        #[command(flatten)]
        yes: Yes,
    },
    /// Let a suspended tenant serve again
    Resume {
        /// Its slug
        slug: String,
    },
    /// Delete a suspended tenant and everything in it
    Purge {
        /// Its slug
        slug: String,
        #[command(flatten)]
        yes: Yes,
    },
}

fn at(slug: &str) -> Address {
    Address::of(&["tenants", slug])
}

pub(super) async fn run(command: Command, work: &Work) -> Done {
    let Work { door, out } = work;
    match command {
        Command::List => out.list(&door.list(&Address::of(&["tenants"]), None).await?, COLUMNS),
        Command::Show { slug } => {
            out.one(&door.named(&slug, "", door.get(&at(&slug)).await).await?)
        }
        Command::Create { slug, name } => {
            let body = said(json!({ "slug": slug, "name": name }));
            let tenant = door.post(&Address::of(&["tenants"]), &body).await?;
            let sentence = format!("created tenant {slug}: {}", text(&tenant, "issuer"));
            out.told(&sentence, &tenant)
        }
        Command::Update { slug, name, settings } => {
            let changed = door.patch(&at(&slug), &patch(name.as_deref(), &settings)?).await;
            out.told(&format!("changed tenant {slug}"), &door.named(&slug, "", changed).await?)
        }
        Command::Suspend { slug, yes } => {
            door.named(&slug, "", door.get(&at(&slug)).await).await?;
            yes.or_ask(&format!("This stops tenant {slug} and ends every session in it."))?;
            door.named(&slug, "", door.delete(&at(&slug)).await).await?;
            let told = json!({ "slug": slug, "status": "suspended" });
            out.told(&format!("suspended tenant {slug}; its sessions have ended"), &told)
        }
        Command::Resume { slug } => {
            let changed = door.patch(&at(&slug), &json!({ "status": "active" })).await;
            out.told(&format!("tenant {slug} serves again"), &door.named(&slug, "", changed).await?)
        }
        Command::Purge { slug, yes } => {
            door.named(&slug, "", door.get(&at(&slug)).await).await?;
            yes.or_ask(&format!("This deletes tenant {slug} and everything in it, for good."))?;
            let purged = door.delete(&at(&slug).with_flag("purge", true)).await;
            door.named(&slug, "", purged).await?;
            let told = json!({ "slug": slug, "status": "deleted" });
            out.told(&format!("deleted tenant {slug} and everything in it"), &told)
        }
    }
}

/// What `--set` says of settings.
fn patch(name: Option<&str>, settings: &[String]) -> Result<Value, super::Failure> {
    let mut members = serde_json::Map::new();
    for setting in settings {
        let (key, text) =
            setting.split_once('=').ok_or(format!("--set {setting}: write NAME=VALUE"))?;
        // A number or true or false as such, everything else as text.
        let value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
        members.insert(key.to_owned(), value);
    }
    Ok(said(json!({ "name": name, "settings": members })))
}
