//! `portcullis key`.

use clap::Subcommand;

use super::{
    Done, Shell,
    confirm::Yes,
    named,
    output::{self, Format},
};
use crate::admin;

const COLUMNS: [&str; 5] = ["kid", "alg", "state", "created_at", "expires_at"];

#[derive(Subcommand)]
pub(super) enum Command {
    /// List the signing keys of a tenant
    List {
        /// The tenant's slug
        #[arg(long)]
        tenant: String,
        /// How it is written
        #[arg(long, default_value = "table")]
        format: Format,
    },
    /// Let the next key sign, and publish a new one after it
    Rotate {
        /// The tenant's slug
        #[arg(long)]
        tenant: String,
        #[command(flatten)]
        yes: Yes,
    },
    /// Withdraw a key that has leaked: every token that it signed is refused
    Withdraw {
        /// The tenant's slug
        #[arg(long)]
        tenant: String,
        /// Its kid
        kid: String,
        #[command(flatten)]
        yes: Yes,
    },
}

pub(super) async fn run(command: Command, shell: Shell) -> Done {
    let admin = shell.admin();
    match command {
        Command::List { tenant, format } => {
            let permit = shell.permit(&tenant).await?;
            output::list(&admin::list_keys(&admin, &permit).await?, &COLUMNS, format)
        }
        Command::Rotate { tenant, yes } => {
            let permit = shell.permit(&tenant).await?;
            yes.or_ask(&format!("This lets the next key of tenant {tenant} sign."))?;
            output::list(&admin::rotate_keys(&admin, &permit).await?, &COLUMNS, Format::Table)
        }
        Command::Withdraw { tenant, kid, yes } => {
            let permit = shell.permit(&tenant).await?;
            yes.or_ask(&format!("This refuses every token that key {kid} of tenant {tenant} has signed."))?;
            output::one(&named(admin::withdraw_key(&admin, &permit, &kid).await, &format!("key {kid}"))?)
        }
    }
}
