//! A session as it is shown, its token families, and what a forced logout ends.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Session, Timestamp, TokenFamily};

/// A token family of a session.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FamilyView {
    /// Its identifier.
    pub id: String,
    /// The client it was granted to.
    pub client_id: String,
    /// What was granted.
    pub scope: String,
    /// How often it was rotated.
    pub generation: u32,
    /// Whether its refresh token is good.
    pub active: bool,
    /// When it began.
    #[schema(value_type = String)]
    pub created_at: Timestamp,
    /// When it was last rotated.
    #[schema(value_type = Option<String>)]
    pub rotated_at: Option<Timestamp>,
    /// When it expires.
    #[schema(value_type = String)]
    pub expires_at: Timestamp,
    /// When it was ended.
    #[schema(value_type = Option<String>)]
    pub ended_at: Option<Timestamp>,
    /// Why it was ended.
    pub end_reason: Option<String>,
}

impl FamilyView {
    pub(in crate::admin) fn of(family: TokenFamily, now: Timestamp) -> Self {
        Self {
            id: family.id.to_string(),
            active: family.is_live(now),
            client_id: family.client_id,
            scope: family.scope.to_string(),
            generation: family.generation,
            created_at: family.created_at,
            rotated_at: family.rotated_at,
            expires_at: family.expires_at,
            ended_at: family.ended_at,
            end_reason: family.end_reason.map(|reason| reason.as_str().to_owned()),
        }
    }
}

/// A session.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SessionView {
    /// Its identifier, the `sid` of its tokens.
    pub id: String,
    /// Whose it is.
    pub user_id: String,
    /// Their user name.
    pub username: String,
    /// How it began: `browser`, `first_party`, `password` or `console`.
    pub kind: String,
    /// Whether it is live.
    pub active: bool,
    /// The address it was made from.
    pub ip: String,
    /// The program it was made with.
    pub user_agent: String,
    /// When the user last proved who they are.
    #[schema(value_type = String)]
    pub auth_time: Timestamp,
    /// When it was made.
    #[schema(value_type = String)]
    pub created_at: Timestamp,
    /// When it was last used.
    #[schema(value_type = String)]
    pub last_seen_at: Timestamp,
    /// When it ends whatever happens.
    #[schema(value_type = String)]
    pub expires_at: Timestamp,
    /// When it was ended before that.
    #[schema(value_type = Option<String>)]
    pub ended_at: Option<Timestamp>,
    /// Why it was ended.
    pub end_reason: Option<String>,
    /// The clients that have tokens in it.
    pub clients: Vec<String>,
    /// Its token families; empty in a list of sessions.
    pub families: Vec<FamilyView>,
}

impl SessionView {
    pub(in crate::admin) fn of(
        session: Session,
        active: bool,
        username: String,
        clients: Vec<String>,
    ) -> Self {
        Self {
            active,
            id: session.id.to_string(),
            user_id: session.user_id.to_string(),
            username,
            kind: session.kind.as_str().to_owned(),
            ip: session.ip,
            user_agent: session.user_agent,
            auth_time: session.authentication.at,
            created_at: session.created_at,
            last_seen_at: session.last_seen_at,
            expires_at: session.expires_at,
            ended_at: session.ended_at,
            end_reason: session.end_reason.map(|reason| reason.as_str().to_owned()),
            clients,
            families: Vec::new(),
        }
    }

    /// The same with its families, none of which is good where the session is not.
    pub(in crate::admin) fn with_families(
        self,
        families: Vec<TokenFamily>,
        is_live: bool,
        now: Timestamp,
    ) -> Self {
        let view = |family| {
            let view = FamilyView::of(family, now);
            FamilyView { active: view.active && is_live, ..view }
        };
        Self { families: families.into_iter().map(view).collect(), ..self }
    }
}

/// What a forced logout has ended, or would end, and when that counts.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Ending {
    /// Whether nothing was ended: it was only asked.
    pub dry_run: bool,
    /// Sessions.
    pub sessions: usize,
    /// Refresh token families.
    pub families: usize,
    /// Whether there are more than were counted.
    pub more: bool,
    /// The event that carries it; ask `/api/v1/revocations/{event}` where it has been applied.
    pub event: Option<i64>,
    /// From when it counts at the node that answered: already.
    #[schema(value_type = Option<String>)]
    pub effective_here_at: Option<Timestamp>,
    /// From when it counts at every node, whatever fails.
    #[schema(value_type = Option<String>)]
    pub effective_everywhere_by: Option<Timestamp>,
}
