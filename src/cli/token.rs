//! `portcullis token`.

use serde_json::json;

use super::{Done, Shell, output::Out};
use crate::{config::Config, oauth::mint_for_shell, protocol::Scope};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The tenant's slug; tokens of tenant system reach every tenant
    #[arg(long)]
    tenant: String,
    /// What it allows: admin or admin:read
    #[arg(long, default_value = "admin")]
    scope: String,
}

pub(super) async fn run(arguments: &Arguments, config: Config, out: Out) -> Done {
    let shell = Shell::open(config).await?;
    let permit = shell.permit(&arguments.tenant).await?;
    let scope: Scope = arguments.scope.parse()?;
    let minted = mint_for_shell(&shell.app, permit.shared_tenant(), scope).await;
    let minted = minted.map_err(|error| error.description.to_string())?;
    let told = json!({
        "access_token": minted.access_token, "token_type": "Bearer", "expires_in": minted.expires_in,
        "scope": minted.scope,
    });
    out.told(&minted.access_token, &told)
}
