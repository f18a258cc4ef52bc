//! `portcullis tenant`.

use clap::Subcommand;
use serde_json::{Value, json};

use super::{
    Done, Shell, all_pages,
    confirm::Yes,
    output::{self, ListFormat, TableRow, say},
};
use crate::admin::{self, Action, Expected, TenantView};

impl TableRow for TenantView {
    const COLUMNS: &'static [&'static str] = &["slug", "name", "status", "issuer", "created_at"];
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// List tenants
    List {
        #[command(flatten)]
        list: ListFormat,
    },
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

pub(super) async fn run(command: Command, shell: Shell) -> Done {
    let (admin, everywhere) =
        (shell.admin(), shell.authority.everywhere(Action::OperateInstallation)?);
    match command {
        Command::List { list } => {
            let (admin, everywhere) = (&admin, &everywhere);
            let all = all_pages(|after| async move {
                admin::list_tenants(admin, everywhere, &after, None).await
            });
            output::list(&all.await?, list.format)
        }
        Command::Show { slug } => {
            let permit = shell.permit(&slug).await?;
            output::one(&TenantView::of(permit.tenant(), shell.app.issuer(permit.tenant())))
        }
        Command::Create { slug, name } => {
            let input = admin::read_input(&json!({ "slug": slug, "name": name }))?;
            let tenant = admin::create_tenant(&admin, &everywhere, input).await?;
            say(&format!("created tenant {}: {}", tenant.slug, shell.app.issuer(&tenant)))
        }
        Command::Update { slug, name, settings } => {
            let permit = shell.permit(&slug).await?;
            admin::update_tenant(&admin, &permit, patch(name, &settings)?, &Expected::ANY).await?;
            say(&format!("changed tenant {slug}"))
        }
        Command::Suspend { slug, yes } => {
            let permit = shell.permit(&slug).await?;
            yes.or_ask(&format!("This stops tenant {slug} and ends every session in it."))?;
            admin::suspend_tenant(&admin, &permit, &Expected::ANY).await?;
            say(&format!("suspended tenant {slug}; its sessions have ended"))
        }
        Command::Resume { slug } => {
            let permit = shell.permit(&slug).await?;
            admin::resume_tenant(&admin, &permit).await?;
            say(&format!("tenant {slug} serves again"))
        }
        Command::Purge { slug, yes } => {
            let permit = shell.permit(&slug).await?;
            yes.or_ask(&format!("This deletes tenant {slug} and everything in it, for good."))?;
            admin::delete_tenant(&admin, &everywhere, permit.tenant(), &Expected::ANY).await?;
            say(&format!("deleted tenant {slug} and everything in it"))
        }
    }
}

fn patch(name: Option<String>, settings: &[String]) -> Result<Value, super::Failure> {
    let mut members = serde_json::Map::new();
    for setting in settings {
        let (key, text) =
            setting.split_once('=').ok_or(format!("--set {setting}: write NAME=VALUE"))?;
        // A number or true or false as such, everything else as text.
        let value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
        members.insert(key.to_owned(), value);
    }
    let mut patch = json!({ "settings": members });
    if let (Some(name), Value::Object(patch)) = (name, &mut patch) {
        patch.insert("name".into(), name.into());
    }
    Ok(patch)
}
