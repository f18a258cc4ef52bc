//! Sessions: one sign-in of one user, and everything that descends from it.

use super::{
    Authentication, EndReason, EventNumber, SessionId, TenantId, Timestamp, UserId,
    text_enum::text_enum,
};

text_enum! {
    /// How a session began.
    pub enum SessionKind {
        /// At the login page; a cookie carries it.
        Browser = "browser",
        /// At the first-party JSON sign-in; tokens carry it.
        FirstParty = "first_party",
        /// Over the password grant; tokens carry it.
        Password = "password",
        /// At the admin console; a cookie carries it.
        Console = "console",
    }
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its tenant.
    pub tenant_id: TenantId,
    /// Its identifier, the `sid` of its tokens.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// How it began.
    pub kind: SessionKind,
    /// The client it was made through, where no cookie carries it.
    pub client_id: Option<String>,
    /// SHA-256 of the cookie that carries it, where one does.
    pub cookie_digest: Option<Vec<u8>>,
    /// The event that was last known when it was made.
    pub born_seq: EventNumber,
    /// The last time its user proved who they are. What is granted now rests on it.
    pub authentication: Authentication,
    /// The address it was made from.
    pub ip: String,
    /// The program it was made with.
    pub user_agent: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_seen_at: Timestamp,
    /// When it ends whatever happens.
    pub expires_at: Timestamp,
    /// When it was ended before that.
    pub ended_at: Option<Timestamp>,
    /// Why it was ended.
    pub end_reason: Option<EndReason>,
}

impl Session {
    /// Whether grants of this session may still be used.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && now < self.expires_at
    }

    /// Whether its cookie still signs on silently, `idle_ttl` seconds after its last use.
    pub fn signs_on(&self, now: Timestamp, idle_ttl: i64) -> bool {
        self.is_live(now) && now < self.last_seen_at.plus(idle_ttl)
    }
}
