//! `portcullis consent`.

use clap::Subcommand;

use super::{
    Done, TenantArgument, Work,
    confirm::Yes,
    door::{Address, text},
};

/// What a list shows.
pub const COLUMNS: &[&str] = &["client_id", "scope", "granted_at"];

#[derive(Subcommand)]
pub(super) enum Command {
    /// List what a user has allowed clients
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// Take back what a user has allowed a client: its grants end, and the user is asked again
    Revoke {
        #[command(flatten)]
        whose: Whose,
        /// The client
        #[arg(long)]
        client: String,
        #[command(flatten)]
        yes: Yes,
    },
}

#[derive(clap::Args)]
pub(super) struct Whose {
    #[command(flatten)]
    tenant: TenantArgument,
    /// The user, by name or identifier
    #[arg(long)]
    user: String,
}

pub(super) async fn run(command: Command, work: &Work) -> Done {
    let Work { door, out } = work;
    match command {
        Command::List { whose: Whose { tenant: TenantArgument { slug }, user } } => {
            let found = door.user(&slug, &user).await?;
            let at = Address::of(&["tenants", &slug, "users", text(&found, "id"), "consents"]);
            out.list(&door.list(&at, None).await?, COLUMNS)
        }
        Command::Revoke { whose: Whose { tenant: TenantArgument { slug }, user }, client, yes } => {
            let found = door.user(&slug, &user).await?;
            yes.or_ask(&format!(
                "This ends what client {slug}/{client} was granted by {user}, who is asked again next time."
            ))?;
            let id = text(&found, "id");
            let at = Address::of(&["tenants", &slug, "users", id, "consents", &client]);
            let withdrawn = door.delete(&at).await;
            out.one(
                &door.named(&slug, &format!("consent of {user} for {client}"), withdrawn).await?,
            )
        }
    }
}
