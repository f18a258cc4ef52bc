//! What lists are asked for.

use super::{AuditId, SessionId, Timestamp, UserId};

/// Which sessions a list shows.
#[derive(Debug, Clone, Default)]
pub struct SessionFilter {
    /// Those of this user.
    pub user: Option<UserId>,
    /// Those in which this client has a token family.
    pub client: Option<String>,
    /// Those made from this address.
    pub ip: Option<String>,
    /// Live ones, or ended and expired ones.
    pub active: Option<bool>,
    /// The last identifier of the page before.
    pub after: Option<SessionId>,
}

impl SessionFilter {
    /// Whether nothing narrows the list but whether sessions are live.
    pub fn is_wide(&self) -> bool {
        self.user.is_none() && self.client.is_none() && self.ip.is_none()
    }
}

/// Which entries a list shows.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Those of this actor, `kind:name`.
    pub actor: Option<String>,
    /// Those of this action.
    pub action: Option<String>,
    /// Those at or after this instant.
    pub since: Option<Timestamp>,
    /// Those before this instant.
    pub until: Option<Timestamp>,
    /// The last identifier of the page before.
    pub after: Option<AuditId>,
}
