//! `portcullis client`.

use clap::Subcommand;
use serde_json::json;

use super::{
    Done, Failure, Shell, TenantArgument, all_pages,
    confirm::Yes,
    named,
    output::{self, ListFormat, TableRow, say},
};
use crate::admin::{self, ClientInput, ClientView, Expected};

impl TableRow for ClientView {
    const COLUMNS: &'static [&'static str] =
        &["client_id", "client_name", "token_endpoint_auth_method", "grant_types", "scope"];
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// List the clients of a tenant
    List {
        #[command(flatten)]
        tenant: TenantArgument,
        #[command(flatten)]
        list: ListFormat,
    },
    /// Show a client
    Show(ClientArguments),
    /// Register a client; a secret that is made is printed once
    Create(NewClient),
    /// Make a new secret; the others stay good for a day
    Secret(ClientArguments),
    /// Delete a client; its tokens are refused from then on
    Delete {
        #[command(flatten)]
        client: ClientArguments,
        #[command(flatten)]
        yes: Yes,
    },
}

#[derive(clap::Args)]
pub(super) struct NewClient {
    #[command(flatten)]
    tenant: TenantArgument,
    /// The client; made where it is left out
    #[arg(long)]
    client_id: Option<String>,
    /// Its name for people
    #[arg(long)]
    name: Option<String>,
    /// What it is: web, spa, native, machine or resource_server; what else is left out has the default of its kind
    #[arg(long = "type")]
    kind: Option<String>,
    /// client_secret_basic, client_secret_post or none; the first two, if left out
    #[arg(long)]
    auth_method: Option<String>,
    /// Where responses may go; may be given more than once
    #[arg(long = "redirect-uri")]
    redirect_uris: Vec<String>,
    /// Where the browser may go after a logout; may be given more than once
    #[arg(long = "post-logout-redirect-uri")]
    post_logout_redirect_uris: Vec<String>,
    /// A grant type; may be given more than once; authorization_code and refresh_token if left out
    #[arg(long = "grant-type")]
    grant_types: Vec<String>,
    /// What it may ask for; openid profile email offline_access if left out
    #[arg(long)]
    scope: Option<String>,
    /// First-party: its users are not asked for consent
    #[arg(long)]
    skip_consent: bool,
}

impl NewClient {
    fn input(self) -> Result<ClientInput, Failure> {
        let grant_types = Some(self.grant_types).filter(|some| !some.is_empty());
        let mut input = json!({
            "client_id": self.client_id,
            "client_name": self.name,
            "application_type": self.kind,
            "token_endpoint_auth_method": self.auth_method,
            "redirect_uris": self.redirect_uris,
            "post_logout_redirect_uris": self.post_logout_redirect_uris,
            "grant_types": grant_types,
            "scope": self.scope,
            "skip_consent": self.skip_consent,
        });
        // What is not said takes the default that every door has.
        if let Some(members) = input.as_object_mut() {
            members.retain(|_, value| !value.is_null());
        }
        Ok(ClientInput::from_value(input)?)
    }
}

#[derive(clap::Args)]
pub(super) struct ClientArguments {
    #[command(flatten)]
    tenant: TenantArgument,
    /// The client
    client_id: String,
}

pub(super) async fn run(command: Command, shell: Shell) -> Done {
    let admin = shell.admin();
    match command {
        Command::List { tenant, list } => {
            let (admin, permit) = (&admin, &shell.permit(&tenant.slug).await?);
            let all =
                all_pages(
                    |after| async move { admin::list_clients(admin, permit, &after, None).await },
                );
            output::list(&all.await?, list.format)
        }
        Command::Show(ClientArguments { tenant, client_id }) => {
            let permit = shell.permit(&tenant.slug).await?;
            let client = named(
                admin::show_client(&admin, &permit, &client_id).await,
                &format!("client {client_id}"),
            )?;
            output::one(&ClientView::from(&client))
        }
        Command::Create(new) => {
            let permit = shell.permit(&new.tenant.slug).await?;
            output::one(&admin::create_client(&admin, &permit, new.input()?).await?)
        }
        Command::Secret(ClientArguments { tenant, client_id }) => {
            let permit = shell.permit(&tenant.slug).await?;
            let made = admin::create_secret(&admin, &permit, &client_id).await;
            output::one(&named(made, &format!("client {client_id}"))?)
        }
        Command::Delete { client: ClientArguments { tenant, client_id }, yes } => {
            let permit = shell.permit(&tenant.slug).await?;
            yes.or_ask(&format!(
                "This deletes client {}/{client_id} and ends everything it has.",
                tenant.slug
            ))?;
            named(
                admin::delete_client(&admin, &permit, &client_id, &Expected::ANY).await,
                &format!("client {client_id}"),
            )?;
            say(&format!("deleted client {client_id}"))
        }
    }
}
