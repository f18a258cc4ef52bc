//! `portcullis session`.

use clap::Subcommand;

use super::{
    Done, Failure, Shell, TenantArgument, all_pages,
    confirm::Yes,
    named,
    output::{self, ListFormat, TableRow},
};
use crate::{
    admin::{self, Permit, SessionView},
    domain::{Selection, SessionFilter, UserId},
};

impl TableRow for SessionView {
    const COLUMNS: &'static [&'static str] =
        &["id", "username", "kind", "active", "clients", "ip", "created_at", "end_reason"];
}

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
        #[command(flatten)]
        list: ListFormat,
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

async fn user_id(shell: &Shell, permit: &Permit, text: &str) -> Result<UserId, Failure> {
    let found = admin::find_user_by_name_or_id(&shell.admin(), permit, text).await;
    named(found, &format!("user {text}")).map(|user| user.id)
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

    async fn selection(&self, shell: &Shell, permit: &Permit) -> Result<Selection, Failure> {
        Ok(match self {
            Self { id: Some(id), .. } => {
                Selection::Session(id.parse().map_err(|_| format!("no session {id}"))?)
            }
            Self { user: Some(user), .. } => Selection::User(user_id(shell, permit, user).await?),
            Self { client: Some(client), .. } => Selection::Client(client.clone()),
            _ => Selection::Tenant,
        })
    }
}

pub(super) async fn run(command: Command, shell: Shell) -> Done {
    let admin = shell.admin();
    match command {
        Command::List { tenant, user, client, all, list } => {
            let permit = shell.permit(&tenant.slug).await?;
            let user = match user {
                Some(text) => Some(user_id(&shell, &permit, &text).await?),
                None => None,
            };
            let filter = SessionFilter {
                user,
                client,
                active: (!all).then_some(true),
                ..SessionFilter::default()
            };
            let (admin, permit, filter) = (&admin, &permit, &filter);
            let all = all_pages(|after| async move {
                let after = after.parse().ok();
                admin::list_sessions(
                    admin,
                    permit,
                    &SessionFilter { after, ..filter.clone() },
                    None,
                )
                .await
            });
            output::list(&all.await?, list.format)
        }
        Command::Show { tenant, id } => {
            let permit = shell.permit(&tenant.slug).await?;
            output::one(&named(
                admin::show_session(&admin, &permit, &id).await,
                &format!("session {id}"),
            )?)
        }
        Command::End { tenant, target, dry_run, yes } => {
            let permit = shell.permit(&tenant.slug).await?;
            let selection = target.selection(&shell, &permit).await?;
            if !dry_run {
                let question = target.question(&tenant.slug);
                yes.or_ask(&question)?;
            }
            let ended = admin::end_sessions(&admin, &permit, &selection, dry_run).await;
            output::one(&named(ended, "such session, user or client")?)
        }
    }
}
