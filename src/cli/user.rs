//! `portcullis user`.

use clap::Subcommand;
use serde_json::{Value, json};

use super::{
    Done, TenantArgument, Work,
    confirm::{Yes, read_password},
    door::{Address, said, text},
};

/// What a list shows.
pub const COLUMNS: &[&str] = &["id", "username", "email", "name", "roles", "status"];

#[derive(Subcommand)]
pub(super) enum Command {
    /// List the users of a tenant
    List {
        #[command(flatten)]
        tenant: TenantArgument,
        /// Those whose name or address begins so
        #[arg(long, value_name = "PREFIX")]
        search: Option<String>,
    },
    /// Show a user, by name or identifier
    Show(UserArguments),
    /// Add a user; the password is asked for, or read from standard input
    Create {
        #[command(flatten)]
        tenant: TenantArgument,
        /// The name it signs in with
        #[arg(long)]
        username: String,
        #[command(flatten)]
        person: Person,
    },
    /// Change a user: what is not named stays as it is
    Update {
        #[command(flatten)]
        user: UserArguments,
        /// Another name to sign in with
        #[arg(long)]
        username: Option<String>,
        #[command(flatten)]
        person: Person,
        /// Take all roles away
        #[arg(long, conflicts_with = "roles")]
        no_roles: bool,
    },
    /// Give a user a new password, asked for or read from standard input; their sessions end
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
pub(super) struct Person {
    /// Its e-mail address
    #[arg(long)]
    email: Option<String>,
    /// Whether that was shown to be its own
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    email_verified: Option<bool>,
    /// Its name for people
    #[arg(long)]
    name: Option<String>,
    /// operator, tenant_admin, tenant_auditor or support; may be given more than once
    #[arg(long = "role")]
    roles: Vec<String>,
}

impl Person {
    fn members(self, username: Option<&str>) -> Value {
        let Self { email, email_verified, name, roles } = self;
        let roles = Some(roles).filter(|some| !some.is_empty());
        said(json!({
            "username": username, "email": email, "email_verified": email_verified, "name": name, "roles": roles,
        }))
    }
}

#[derive(clap::Args)]
pub(super) struct UserArguments {
    #[command(flatten)]
    tenant: TenantArgument,
    /// The user
    user: String,
}

/// A user who was found by the name that was typed.
struct Found {
    user: Value,
    at: Address,
}

async fn find(work: &Work, which: &UserArguments) -> Result<Found, super::Failure> {
    let slug = &which.tenant.slug;
    let user = work.door.user(slug, &which.user).await?;
    let at = Address::of(&["tenants", slug, "users", text(&user, "id")]);
    Ok(Found { user, at })
}

async fn change(work: &Work, which: &UserArguments, patch: &Value) -> Done {
    let found = find(work, which).await?;
    let changed = work.door.patch(&found.at, patch).await?;
    work.out.told(&format!("changed user {}", text(&changed, "username")), &changed)
}

/// `members` with one more.
fn with(members: Value, name: &str, value: Value) -> Value {
    match members {
        Value::Object(mut members) => {
            members.insert(name.to_owned(), value);
            Value::Object(members)
        }
        other => other,
    }
}

pub(super) async fn run(command: Command, work: &Work) -> Done {
    let Work { door, out } = work;
    match command {
        Command::List { tenant: TenantArgument { slug }, search } => {
            let at = Address::of(&["tenants", &slug, "users"]).with("q", search.as_deref());
            let all = door.list(&at, None).await;
            out.list(&door.named(&slug, "", all).await?, COLUMNS)
        }
        Command::Show(which) => out.one(&find(work, &which).await?.user),
        Command::Create { tenant: TenantArgument { slug }, username, person } => {
            let members = person.members(Some(&username));
            let members = with(members, "password", read_password("password")?.into());
            let made = door.post(&Address::of(&["tenants", &slug, "users"]), &members).await;
            let made = door.named(&slug, "", made).await?;
            let sentence =
                format!("created user {} ({})", text(&made, "username"), text(&made, "id"));
            out.told(&sentence, &made)
        }
        Command::Update { user, username, person, no_roles } => {
            let members = person.members(username.as_deref());
            let members = if no_roles { with(members, "roles", json!([])) } else { members };
            change(work, &user, &members).await
        }
        Command::SetPassword(which) => {
            let found = find(work, &which).await?;
            let password =
                read_password(&format!("new password of {}", text(&found.user, "username")))?;
            change(work, &which, &json!({ "password": password })).await
        }
        Command::Disable(which) => change(work, &which, &json!({ "status": "disabled" })).await,
        Command::Enable(which) => change(work, &which, &json!({ "status": "active" })).await,
        Command::Delete { user: which, yes } => {
            let Found { user, at } = find(work, &which).await?;
            let username = text(&user, "username");
            let name = format!("{}/{username}", which.tenant.slug);
            yes.or_ask(&format!("This deletes user {name} and ends everything they have."))?;
            door.delete(&at).await?;
            let told =
                json!({ "id": text(&user, "id"), "username": username, "status": "deleted" });
            out.told(&format!("deleted user {username}"), &told)
        }
    }
}
