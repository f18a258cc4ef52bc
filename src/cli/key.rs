//! `portcullis key`.

use clap::Subcommand;

use super::{
    Done, Shell, TenantArgument,
    confirm::Yes,
    named,
    output::{self, Format, ListFormat, TableRow},
};
use crate::admin::{self, KeyView};

impl TableRow for KeyView {
    const COLUMNS: &'static [&'static str] = &["kid", "alg", "state", "created_at", "expires_at"];
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// List the signing keys of a tenant
    List {
        #[command(flatten)]
        tenant: TenantArgument,
        #[command(flatten)]
        list: ListFormat,
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

pub(super) async fn run(command: Command, shell: Shell) -> Done {
    let admin = shell.admin();
    match command {
        Command::List { tenant, list } => {
            let permit = shell.permit(&tenant.slug).await?;
            output::list(&admin::list_keys(&admin, &permit).await?, list.format)
        }
        Command::Rotate { tenant, yes } => {
            let permit = shell.permit(&tenant.slug).await?;
            yes.or_ask(&format!("This lets the next key of tenant {} sign.", tenant.slug))?;
            output::list(&admin::rotate_keys(&admin, &permit).await?, Format::Table)
        }
        Command::Withdraw { tenant, kid, yes } => {
            let permit = shell.permit(&tenant.slug).await?;
            yes.or_ask(&format!(
                "This refuses every token that key {kid} of tenant {} has signed.",
                tenant.slug
            ))?;
            output::one(&named(
                admin::withdraw_key(&admin, &permit, &kid).await,
                &format!("key {kid}"),
            )?)
        }
    }
}
