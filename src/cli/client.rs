//! `portcullis client`.

use clap::Subcommand;
use serde_json::{Value, json};

use super::{
    Done, TenantArgument, Work,
    confirm::Yes,
    door::{Address, said},
    trial,
};

/// What a list shows.
pub const COLUMNS: &[&str] =
    &["client_id", "client_name", "token_endpoint_auth_method", "grant_types", "scope"];

#[derive(Subcommand)]
pub(super) enum Command {
    /// List the clients of a tenant
    List {
        #[command(flatten)]
        tenant: TenantArgument,
    },
    /// Show a client
    Show(ClientArguments),
    /// Register a client; a secret that is made is printed once
    Create {
        #[command(flatten)]
        tenant: TenantArgument,
        /// The client; made where it is left out
        #[arg(long)]
        client_id: Option<String>,
        #[command(flatten)]
        registration: Registration,
    },
    /// Change a client: what is not named stays as it is, and a list is replaced whole
    Update {
        #[command(flatten)]
        client: ClientArguments,
        #[command(flatten)]
        registration: Registration,
    },
    /// Make a new secret; the others stay good for a day
    Secret(ClientArguments),
    /// Try a client: sign in with a browser, show the tokens, refresh, introspect, sign out; what fails is explained
    Try(trial::Arguments),
    /// Delete a client; its tokens are refused from then on
    Delete {
        #[command(flatten)]
        client: ClientArguments,
        #[command(flatten)]
        yes: Yes,
    },
}

#[derive(clap::Args)]
pub(super) struct Registration {
    /// What it is: web, spa, native, machine or resource_server; what else is left out of a new one has the default of its kind
    #[arg(long = "type")]
    kind: Option<String>,
    /// Its name for people
    #[arg(long)]
    name: Option<String>,
    /// client_secret_basic, client_secret_post, private_key_jwt or none: that method alone; a new one takes the first two if left out
    #[arg(long)]
    auth_method: Option<String>,
    /// Where responses may go; may be given more than once
    #[arg(long = "redirect-uri")]
    redirect_uris: Vec<String>,
    /// Where the browser may go after a logout; may be given more than once
    #[arg(long = "post-logout-redirect-uri")]
    post_logout_redirect_uris: Vec<String>,
    /// A grant type; may be given more than once; authorization_code and refresh_token if left out of a new one
    #[arg(long = "grant-type")]
    grant_types: Vec<String>,
    /// What it may ask for; openid profile email offline_access if left out of a new one
    #[arg(long)]
    scope: Option<String>,
    /// First-party: its users are not asked for consent
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    skip_consent: Option<bool>,
}

impl Registration {
    fn members(self) -> Value {
        let some = |list: Vec<String>| Some(list).filter(|some| !some.is_empty());
        said(json!({
            "application_type": self.kind,
            "client_name": self.name,
            "token_endpoint_auth_method": self.auth_method,
            "redirect_uris": some(self.redirect_uris),
            "post_logout_redirect_uris": some(self.post_logout_redirect_uris),
            "grant_types": some(self.grant_types),
            "scope": self.scope,
            "skip_consent": self.skip_consent,
        }))
    }
}

#[derive(clap::Args)]
pub(super) struct ClientArguments {
    #[command(flatten)]
    pub(super) tenant: TenantArgument,
    /// The client
    pub(super) client_id: String,
}

impl ClientArguments {
    fn at(&self) -> Address {
        Address::of(&["tenants", &self.tenant.slug, "clients", &self.client_id])
    }

    fn in_words(&self) -> String {
        format!("client {}", self.client_id)
    }
}

async fn create(
    work: &Work,
    slug: &str,
    client_id: Option<String>,
    registration: Registration,
) -> Done {
    let mut members = registration.members();
    if let (Value::Object(members), Some(client_id)) = (&mut members, client_id) {
        members.insert("client_id".into(), client_id.into());
    }
    let made = work.door.post(&Address::of(&["tenants", slug, "clients"]), &members).await;
    let made = work.door.named(slug, "", made).await?;
    if made.get("client_secret").is_some() {
        work.out.note("client_secret is told this once: keep it where your program finds it");
    }
    work.out.one(&made)
}

pub(super) async fn run(command: Command, work: &Work) -> Done {
    let Work { door, out } = work;
    match command {
        Command::List { tenant: TenantArgument { slug } } => {
            let all = door.list(&Address::of(&["tenants", &slug, "clients"]), None).await;
            out.list(&door.named(&slug, "", all).await?, COLUMNS)
        }
        Command::Show(client) => {
            let found = door.get(&client.at()).await;
            out.one(&door.named(&client.tenant.slug, &client.in_words(), found).await?)
        }
        Command::Create { tenant: TenantArgument { slug }, client_id, registration } => {
            create(work, &slug, client_id, registration).await
        }
        Command::Update { client, registration } => {
            let changed = door.patch(&client.at(), &registration.members()).await;
            out.one(&door.named(&client.tenant.slug, &client.in_words(), changed).await?)
        }
        Command::Secret(client) => {
            let ClientArguments { tenant, client_id } = &client;
            let at = Address::of(&["tenants", &tenant.slug, "clients", client_id, "secrets"]);
            let made = door.post(&at, &json!({})).await;
            let made = door.named(&tenant.slug, &client.in_words(), made).await?;
            out.note("client_secret is told this once; the others stay good for a day");
            out.one(&made)
        }
        Command::Try(arguments) => trial::run(arguments, work).await,
        Command::Delete { client, yes } => {
            let ClientArguments { tenant, client_id } = &client;
            let found = door.get(&client.at()).await;
            door.named(&tenant.slug, &client.in_words(), found).await?;
            yes.or_ask(&format!(
                "This deletes client {}/{client_id} and ends everything it has.",
                tenant.slug
            ))?;
            let gone = door.delete(&client.at()).await;
            door.named(&tenant.slug, &client.in_words(), gone).await?;
            let told = json!({ "client_id": client_id, "status": "deleted" });
            out.told(&format!("deleted client {client_id}"), &told)
        }
    }
}
