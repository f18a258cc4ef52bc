//! Grants and the refresh token families that descend from them.

use super::{
    Authentication, EventNumber, FamilyId, SessionId, TenantId, Timestamp, UserId,
    text_enum::text_enum,
};
use crate::protocol::Scope;

text_enum! {
    /// Why a session or a family ended.
    pub enum EndReason {
        /// The user signed out.
        Logout = "logout",
        /// An administrator ended it.
        Forced = "forced",
        /// A refresh token was used again after its successor was.
        Reuse = "reuse",
        /// An authorization code was used again.
        CodeReuse = "code_reuse",
        /// The client revoked it (RFC 7009).
        Revoked = "revoked",
        /// Its user was disabled or deleted, or got a new password.
        UserChanged = "user_changed",
        /// Its client was deleted.
        ClientDeleted = "client_deleted",
        /// Its tenant was suspended.
        TenantSuspended = "tenant_suspended",
        /// A newer sign-in took its cookie's place.
        Superseded = "superseded",
        /// Its time was over.
        Expired = "expired",
        /// The database was restored from a backup.
        Restored = "restored",
        /// A secret of its client was withdrawn: it had leaked.
        Withdrawn = "withdrawn",
    }
}

impl EndReason {
    /// The reason that is stored. What a later version of this software has written, while both run, is
    /// no reason to this one, and no fault of the row.
    pub fn stored(text: Option<&str>) -> Option<Self> {
        text.and_then(|text| text.parse().ok())
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
