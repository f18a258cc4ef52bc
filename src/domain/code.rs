//! Authorization codes (RFC 6749 §4.1.2).

use super::{Authentication, EventNumber, FamilyId, SessionId, TenantId, Timestamp, UserId};
use crate::protocol::Scope;

/// An authorization code: everything that the token request is held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationCode {
    /// Its tenant.
    pub tenant_id: TenantId,
    /// SHA-256 of the code.
    pub digest: Vec<u8>,
    /// The client it was made for.
    pub client_id: String,
    /// The user who consented.
    pub user_id: UserId,
    /// The session it was made in.
    pub session_id: SessionId,
    /// The grant that its tokens will belong to.
    pub family_id: FamilyId,
    /// Where it was sent.
    pub redirect_uri: String,
    /// Whether the request named that address; if so the token request must too.
    pub redirect_uri_given: bool,
    /// What was granted.
    pub scope: Scope,
    /// The audiences that were granted.
    pub resource: Vec<String>,
    /// The PKCE challenge (RFC 7636), always S256.
    pub code_challenge: String,
    /// OpenID Connect's nonce.
    pub nonce: Option<String>,
    /// The event that was last known when it was made.
    pub born_seq: EventNumber,
    /// How its user had proven who they are.
    pub authentication: Authentication,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
}

impl AuthorizationCode {
    /// Seconds that a code lives: within RFC 6749's ten minutes and ASVS 10.4.3's one.
    pub const TTL: i64 = 60;
}
