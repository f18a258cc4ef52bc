//! `portcullis session`.

use clap::Subcommand;

use super::{
    Done, Failure, TenantArgument, Work,
    confirm::Yes,
    door::{Address, text},
};

/// What a list shows.
pub const COLUMNS: &[&str] =
    &["id", "username", "kind", "active", "clients", "ip", "created_at", "end_reason"];

#[derive(Subcommand)]
pub(super) enum Command {
    /// List the sessions of a tenant, the newest first
    List {
        #[command(flatten)]
        tenant: TenantArgument,
        /// Those of this user, by name or identifier
        #[arg(long)]
        user: Option<String>,
        /// Those in which this client has tokens
        #[arg(long)]
        client: Option<String>,
        /// Ended and expired ones too
        #[arg(long)]
        all: bool,
    },
    /// Show a session, with its clients and token families
    Show {
        #[command(flatten)]
        tenant: TenantArgument,
        /// The session
        id: String,
    },
    /// End one session, or all of a user, a client or the tenant
    End {
        #[command(flatten)]
        tenant: TenantArgument,
        /// What to end
        #[command(flatten)]
        target: Target,
        /// Only tell what would end
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        yes: Yes,
    },
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct Target {
    /// One session
    id: Option<String>,
    /// Every session of this user, by name or identifier
    #[arg(long)]
    user: Option<String>,
    /// Everything that this client was granted
    #[arg(long)]
    client: Option<String>,
    /// Every session of the tenant
    #[arg(long)]
    all: bool,
}

impl Target {
    fn question(&self, tenant: &str) -> String {
        let what = match self {
            Self { id: Some(id), .. } => format!("session {id}"),
            Self { user: Some(user), .. } => format!("every session of user {tenant}/{user}"),
            Self { client: Some(client), .. } => {
                format!("everything that client {tenant}/{client} was granted")
            }
            _ => format!("every session of tenant {tenant}"),
        };
        format!("This ends {what}.")
    }

    /// What is called to end it, and what it is called where it is missing.
    async fn call(&self, work: &Work, tenant: &str) -> Result<(Address, String), Failure> {
        Ok(match self {
            Self { id: Some(id), .. } => {
                (Address::of(&["tenants", tenant, "sessions", id]), format!("session {id}"))
            }
            Self { user: Some(name), .. } => {
                let user = work.door.user(tenant, name).await?;
                let at = Address::of(&["tenants", tenant, "users", text(&user, "id"), "logout"]);
                (at, format!("user {name}"))
            }
            Self { client: Some(client), .. } => {
                let at = Address::of(&["tenants", tenant, "clients", client, "logout"]);
                (at, format!("client {client}"))
            }
            _ => (Address::of(&["tenants", tenant, "logout"]), String::new()),
        })
    }
}

pub(super) async fn run(command: Command, work: &Work) -> Done {
    let Work { door, out } = work;
    match command {
        Command::List { tenant: TenantArgument { slug }, user, client, all } => {
            let user = match user {
                Some(name) => Some(text(&door.user(&slug, &name).await?, "id").to_owned()),
                None => None,
            };
            let at = Address::of(&["tenants", &slug, "sessions"])
                .with("user", user.as_deref())
                .with("client", client.as_deref())
                .with_flag("active", !all);
            let all = door.list(&at, None).await;
            out.list(&door.named(&slug, "", all).await?, COLUMNS)
        }
        Command::Show { tenant: TenantArgument { slug }, id } => {
            let found = door.get(&Address::of(&["tenants", &slug, "sessions", &id])).await;
            out.one(&door.named(&slug, &format!("session {id}"), found).await?)
        }
        Command::End { tenant: TenantArgument { slug }, target, dry_run, yes } => {
            let (at, what) = target.call(work, &slug).await?;
            if !dry_run {
                yes.or_ask(&target.question(&slug))?;
            }
            let at = at.with_flag("dry_run", dry_run);
            let ended = match target.id {
                Some(_) => door.delete(&at).await,
                None => door.post(&at, &serde_json::json!({})).await,
            };
            out.one(&door.named(&slug, &what, ended).await?)
        }
    }
}
