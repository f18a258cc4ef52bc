//! `portcullis audit`.

use clap::Subcommand;

use super::{Done, TenantArgument, Work, door::Address};

/// What a list shows.
pub const COLUMNS: &[&str] = &["at", "actor", "action", "target", "reason", "ip"];

#[derive(Subcommand)]
pub(super) enum Command {
    /// List the audit trail of a tenant, the newest first
    List {
        #[command(flatten)]
        tenant: TenantArgument,
        /// Who did it: user:ID, client:ID, shell or anonymous
        #[arg(long)]
        actor: Option<String>,
        /// What was done, like login.refused
        #[arg(long)]
        action: Option<String>,
        /// From this instant on (RFC 3339)
        #[arg(long)]
        since: Option<String>,
        /// Before this instant (RFC 3339)
        #[arg(long)]
        until: Option<String>,
        /// How many entries at most; 0 for all
        #[arg(long, default_value = "50")]
        limit: usize,
    },
}

pub(super) async fn run(command: Command, work: &Work) -> Done {
    let Work { door, out } = work;
    let Command::List { tenant: TenantArgument { slug }, actor, action, since, until, limit } =
        command;
    let at = Address::of(&["tenants", &slug, "audit"])
        .with("actor", actor.as_deref())
        .with("action", action.as_deref())
        .with("since", since.as_deref())
        .with("until", until.as_deref());
    let entries = door.list(&at, Some(limit).filter(|most| *most > 0)).await;
    out.list(&door.named(&slug, "", entries).await?, COLUMNS)
}
