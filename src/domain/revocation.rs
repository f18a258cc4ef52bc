//! Cut-offs: what no longer counts, and from when.

use super::{FamilyId, SessionId, TenantId, TenantSettings, Timestamp, UserId};

/// What a cut-off speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CutoffKind {
    /// Every token of a tenant.
    Tenant,
    /// Every token of a client.
    Client,
    /// Every token of a user.
    User,
    /// Every token of a session.
    Session,
    /// Every token of a grant.
    Grant,
    /// One access token.
    Token,
}

impl CutoffKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::Tenant, Self::Client, Self::User, Self::Session, Self::Grant, Self::Token];

    /// The word stored for this kind.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Client => "client",
            Self::User => "user",
            Self::Session => "session",
            Self::Grant => "grant",
            Self::Token => "token",
        }
    }
}

/// Refuses the access tokens of a subject that were issued at or before an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cutoff {
    /// The tenant whose tokens it speaks of.
    pub tenant_id: TenantId,
    /// What `subject` names.
    pub kind: CutoffKind,
    /// The session, user, client, grant or `jti`; the tenant's id for a whole tenant.
    pub subject: String,
    /// Tokens issued at or before this instant are refused.
    pub at: Timestamp,
    /// When the last token it can speak of has expired.
    pub expires_at: Timestamp,
}

impl Cutoff {
    fn new(tenant_id: TenantId, kind: CutoffKind, subject: String, at: Timestamp, ttl: i64) -> Self {
        // A minute more than a token lives: verifiers on other machines may run behind.
        Self { tenant_id, kind, subject, at, expires_at: at.plus(ttl + 60) }
    }

    /// Of everything that `kind` and `subject` name. It outlives the longest token that any
    /// setting allows: one that was issued under an earlier, longer setting must not outlive it.
    fn of_all(tenant_id: TenantId, kind: CutoffKind, subject: String, at: Timestamp) -> Self {
        Self::new(tenant_id, kind, subject, at, TenantSettings::MOST_ACCESS_TOKEN_TTL)
    }

    /// Of every token of the tenant.
    pub fn of_tenant(tenant: TenantId, at: Timestamp) -> Self {
        Self::of_all(tenant, CutoffKind::Tenant, tenant.to_string(), at)
    }

    /// Of every token of a client.
    pub fn of_client(tenant: TenantId, client_id: &str, at: Timestamp) -> Self {
        Self::of_all(tenant, CutoffKind::Client, client_id.to_owned(), at)
    }

    /// Of every token of a user.
    pub fn of_user(tenant: TenantId, user: UserId, at: Timestamp) -> Self {
        Self::of_all(tenant, CutoffKind::User, user.to_string(), at)
    }

    /// Of every token of a session.
    pub fn of_session(tenant: TenantId, session: SessionId, at: Timestamp) -> Self {
        Self::of_all(tenant, CutoffKind::Session, session.to_string(), at)
    }

    /// Of every token of a grant.
    pub fn of_grant(tenant: TenantId, grant: FamilyId, at: Timestamp) -> Self {
        Self::of_all(tenant, CutoffKind::Grant, grant.to_string(), at)
    }

    /// Of one access token, which lives for `ttl` seconds more at most.
    pub fn of_token(tenant: TenantId, jti: &str, at: Timestamp, ttl: i64) -> Self {
        Self::new(tenant, CutoffKind::Token, jti.to_owned(), at, ttl)
    }

    /// Whether a token issued at `issued_at` is refused.
    ///
    /// A session, a grant and a single token never come back, so a cut-off of theirs
    /// refuses whatever the instant says: a node whose clock runs ahead gains nothing.
    pub fn refuses(&self, issued_at: Timestamp) -> bool {
        match self.kind {
            CutoffKind::Session | CutoffKind::Grant | CutoffKind::Token => true,
            CutoffKind::Tenant | CutoffKind::Client | CutoffKind::User => issued_at <= self.at,
        }
    }
}

/// What every node must hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Tokens are refused from now on.
    Cutoff(Cutoff),
    /// A tenant was made, changed or removed.
    Tenant(TenantId),
    /// A client of the tenant was made, changed or removed.
    Client(TenantId, String),
    /// The tenant's keys changed.
    Keys(TenantId),
}

/// A change with its place in the order in which changes were committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationEvent {
    /// Its place: gapless, and in commit order.
    pub seq: i64,
    /// What changed.
    pub change: Change,
}
