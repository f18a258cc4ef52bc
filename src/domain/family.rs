//! Grants and the refresh token families that descend from them.

use serde::{Deserialize, Serialize};

use super::{Authentication, EventNumber, FamilyId, SessionId, TenantId, Timestamp, UserId};
use crate::protocol::Scope;

/// Why a session or a family ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The user signed out.
    Logout,
    /// An administrator ended it.
    Forced,
    /// A refresh token was used again after its successor was.
    Reuse,
    /// An authorization code was used again.
    CodeReuse,
    /// The client revoked it (RFC 7009).
    Revoked,
    /// Its user was disabled or deleted, or got a new password.
    UserChanged,
    /// Its client was deleted.
    ClientDeleted,
    /// Its tenant was suspended.
    TenantSuspended,
    /// A newer sign-in took its cookie's place.
    Superseded,
    /// Its time was over.
    Expired,
    /// The database was restored from a backup.
    Restored,
    /// A secret of its client was withdrawn: it had leaked.
    Withdrawn,
}

impl EndReason {
    const ALL: [Self; 12] = [
        Self::Logout,
        Self::Forced,
        Self::Reuse,
        Self::CodeReuse,
        Self::Revoked,
        Self::UserChanged,
        Self::ClientDeleted,
        Self::TenantSuspended,
        Self::Superseded,
        Self::Expired,
        Self::Restored,
        Self::Withdrawn,
    ];

    /// The word stored for this reason.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Forced => "forced",
            Self::Reuse => "reuse",
            Self::CodeReuse => "code_reuse",
            Self::Revoked => "revoked",
            Self::UserChanged => "user_changed",
            Self::ClientDeleted => "client_deleted",
            Self::TenantSuspended => "tenant_suspended",
            Self::Superseded => "superseded",
            Self::Expired => "expired",
            Self::Restored => "restored",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The reason stored under `word`.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

/// A family of refresh tokens: one row, whatever the number of rotations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFamily {
    /// Its tenant.
    pub tenant_id: TenantId,
    /// Its identifier, also the identifier of the grant (`gid` of its access tokens).
    pub id: FamilyId,
    /// The session it lives in.
    pub session_id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// The client it was granted to.
    pub client_id: String,
    /// What was granted.
    pub scope: Scope,
    /// The audiences that were granted (RFC 8707).
    pub resource: Vec<String>,
    /// The generation whose refresh token is good.
    pub generation: u32,
    /// The event that was last known when it began.
    pub born_seq: EventNumber,
    /// What it was granted by: its tokens speak of this, however late (OpenID Connect Core §12.2).
    pub authentication: Authentication,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last rotated, by the database's clock.
    pub rotated_at: Option<Timestamp>,
    /// When it expires unless rotated before.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
    /// Why it was ended.
    pub end_reason: Option<EndReason>,
}

impl TokenFamily {
    /// Whether its refresh token is good at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && now < self.expires_at
    }
}
