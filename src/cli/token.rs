//! `portcullis token`.

use super::{Done, Shell, output::say};
use crate::{oauth::mint_for_shell, protocol::Scope};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The tenant's slug; tokens of tenant system reach every tenant
    #[arg(long)]
    tenant: String,
    /// What it allows: admin or admin:read
    #[arg(long, default_value = "admin")]
    scope: String,
}

pub(super) async fn run(arguments: &Arguments, shell: Shell) -> Done {
    let permit = shell.permit(&arguments.tenant).await?;
    let scope: Scope = arguments.scope.parse()?;
    let minted = mint_for_shell(&shell.app, permit.shared_tenant(), scope).await;
    let minted = minted.map_err(|error| error.description.to_string())?;
    say(&minted.access_token)
}
