//! `portcullis user`.

use clap::Subcommand;
use serde_json::{Value, json};

use super::{
    Done, Failure, Shell, TenantArgument, all_pages,
    confirm::Yes,
    named,
    output::{self, ListFormat, TableRow, say},
};
use crate::{
    admin::{self, Expected, Permit, UserView},
    domain::User,
};

impl TableRow for UserView {
    const COLUMNS: &'static [&'static str] =
        &["id", "username", "email", "name", "roles", "status"];
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// List the users of a tenant
    List {
        #[command(flatten)]
        tenant: TenantArgument,
        #[command(flatten)]
        list: ListFormat,
    },
    /// Show a user, by name or identifier
    Show(UserArguments),
    /// Add a user; the password is read from standard input
    Create {
        #[command(flatten)]
        tenant: TenantArgument,
        /// The name it signs in with
        #[arg(long)]
        username: String,
        /// Its e-mail address
        #[arg(long)]
        email: Option<String>,
        /// Its name for people
        #[arg(long)]
        name: Option<String>,
        /// operator, tenant_admin, tenant_auditor or support; may be given more than once
        #[arg(long = "role")]
        roles: Vec<String>,
    },
    /// Give a user a new password, read from standard input; their sessions end
    SetPassword(UserArguments),
    /// Keep a user from signing in; their sessions end
    Disable(UserArguments),
    /// Let a user sign in again
    Enable(UserArguments),
    /// Delete a user
    Delete {
        #[command(flatten)]
        user: UserArguments,
        #[command(flatten)]
        yes: Yes,
    },
}

#[derive(clap::Args)]
pub(super) struct UserArguments {
    #[command(flatten)]
    tenant: TenantArgument,
    /// The user
    user: String,
}

/// A password on the command line would stand in the process list and the shell's history.
fn read_password() -> Result<String, Failure> {
    use std::io::IsTerminal as _;
    if std::io::stdin().is_terminal() {
        eprint!("password (it is shown as you type; pipe it in to avoid that): ");
    }
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

async fn find(shell: &Shell, permit: &Permit, text: &str) -> Result<User, Failure> {
    named(
        admin::find_user_by_name_or_id(&shell.admin(), permit, text).await,
        &format!("user {text}"),
    )
}

async fn change(shell: &Shell, which: &UserArguments, patch: Value) -> Done {
    let permit = shell.permit(&which.tenant.slug).await?;
    let found = find(shell, &permit, &which.user).await?;
    admin::update_user(&shell.admin(), &permit, &found.id.to_string(), patch, &Expected::ANY)
        .await?;
    say(&format!("changed user {}", found.username))
}

pub(super) async fn run(command: Command, shell: Shell) -> Done {
    let admin = shell.admin();
    match command {
        Command::List { tenant, list } => {
            let (admin, permit) = (&admin, &shell.permit(&tenant.slug).await?);
            let all = all_pages(|after| async move {
                admin::list_users(admin, permit, "", &after, None).await
            });
            output::list(&all.await?, list.format)
        }
        Command::Show(UserArguments { tenant, user }) => {
            let permit = shell.permit(&tenant.slug).await?;
            output::one(&UserView::from(&find(&shell, &permit, &user).await?))
        }
        Command::Create { tenant, username, email, name, roles } => {
            let permit = shell.permit(&tenant.slug).await?;
            let fields = json!({
                "username": username, "email": email, "name": name, "roles": roles, "password": read_password()?,
            });
            let user = admin::create_user(&admin, &permit, admin::read_input(&fields)?).await?;
            say(&format!("created user {} ({})", user.username, user.id))
        }
        Command::SetPassword(which) => {
            change(&shell, &which, json!({ "password": read_password()? })).await
        }
        Command::Disable(which) => change(&shell, &which, json!({ "status": "disabled" })).await,
        Command::Enable(which) => change(&shell, &which, json!({ "status": "active" })).await,
        Command::Delete { user: UserArguments { tenant, user }, yes } => {
            let permit = shell.permit(&tenant.slug).await?;
            let found = find(&shell, &permit, &user).await?;
            let name = format!("{}/{}", tenant.slug, found.username);
            yes.or_ask(&format!("This deletes user {name} and ends everything they have."))?;
            admin::delete_user(&admin, &permit, &found.id.to_string(), &Expected::ANY).await?;
            say(&format!("deleted user {}", found.username))
        }
    }
}
