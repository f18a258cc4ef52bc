//! `portcullis key`.

use clap::Subcommand;

use super::{
    Done, Shell, named,
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
    },
    /// Withdraw a key that has leaked: every token that it signed is refused
    Withdraw {
        /// The tenant's slug
        #[arg(long)]
        tenant: String,
        /// Its kid
        kid: String,
    },
}

pub(super) async fn run(command: Command, shell: Shell) -> Done {
    let admin = shell.admin();
    match command {
        Command::List { tenant, format } => {
            let permit = shell.permit(&tenant).await?;
            output::list(&admin::list_keys(&admin, &permit).await?, &COLUMNS, format)
        }
        Command::Rotate { tenant } => {
            let permit = shell.permit(&tenant).await?;
            output::list(&admin::rotate_keys(&admin, &permit).await?, &COLUMNS, Format::Table)
        }
        Command::Withdraw { tenant, kid } => {
            let permit = shell.permit(&tenant).await?;
            output::one(&named(admin::withdraw_key(&admin, &permit, &kid).await, &format!("key {kid}"))?)
        }
    }
}
