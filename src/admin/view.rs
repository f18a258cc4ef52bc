//! What callers are shown.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    domain::{
        AuditEntry, Client, ClientMetadata, ClientSecret, Resource, ScopeDefinition, Session, SigningKey, Tenant,
        TenantSettings, Timestamp, TokenFamily, User,
    },
    storage::Page,
};

/// A page of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Listed<T> {
    /// What it holds.
    pub items: Vec<T>,
    /// Pass this as `after` for the next page; null at the end.
    pub next: Option<String>,
}

impl<T> Listed<T> {
    pub(super) fn of<U>(page: Page<U>, view: impl FnMut(U) -> T) -> Self {
        Self { items: page.items.into_iter().map(view).collect(), next: page.next }
    }
}

/// A tenant.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TenantView {
    /// Its identifier.
    pub id: String,
    /// Its name in addresses.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// `active` or `suspended`.
    pub status: String,
    /// Its issuer.
    pub issuer: String,
    /// What it decides for itself.
    pub settings: TenantSettings,
    /// Its scopes beyond the built-in ones.
    pub scopes: Vec<ScopeDefinition>,
    /// Its audiences.
    pub resources: Vec<Resource>,
    /// Raised by each change; also the `ETag`.
    pub version: i64,
    /// When it was made.
    #[schema(value_type = String)]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String)]
    pub updated_at: Timestamp,
}

impl TenantView {
    /// A tenant as it is shown.
    pub fn of(tenant: &Tenant, issuer: String) -> Self {
        Self {
            id: tenant.id.to_string(),
            slug: tenant.slug.to_string(),
            name: tenant.name.clone(),
            status: tenant.status.as_str().to_owned(),
            issuer,
            settings: tenant.settings.clone(),
            scopes: tenant.scopes.clone(),
            resources: tenant.resources.clone(),
            version: tenant.version,
            created_at: tenant.created_at,
            updated_at: tenant.updated_at,
        }
    }
}

/// A client secret, without the secret.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SecretView {
    /// Its identifier.
    pub id: String,
    /// When it was made.
    #[schema(value_type = String)]
    pub created_at: Timestamp,
    /// When it stops counting.
    #[schema(value_type = Option<String>)]
    pub expires_at: Option<Timestamp>,
}

impl From<&ClientSecret> for SecretView {
    fn from(secret: &ClientSecret) -> Self {
        Self { id: secret.id.to_string(), created_at: secret.created_at, expires_at: secret.expires_at }
    }
}

/// A client (RFC 7591's names).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ClientView {
    /// Its identifier.
    pub client_id: String,
    /// What it says of itself.
    #[serde(flatten)]
    pub metadata: ClientMetadata,
    /// Its secrets; empty in a list of clients.
    pub secrets: Vec<SecretView>,
    /// Raised by each change; also the `ETag`.
    pub version: i64,
    /// When it was made.
    #[schema(value_type = String)]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String)]
    pub updated_at: Timestamp,
}

impl From<&Client> for ClientView {
    fn from(client: &Client) -> Self {
        Self {
            client_id: client.client_id.clone(),
            metadata: client.metadata.clone(),
            secrets: client.secrets.iter().map(SecretView::from).collect(),
            version: client.version,
            created_at: client.created_at,
            updated_at: client.updated_at,
        }
    }
}

/// A client that was just made.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CreatedClient {
    /// The client.
    #[serde(flatten)]
    pub client: ClientView,
    /// Its secret, told this once, where the server made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
}

/// A secret that was just made.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CreatedSecret {
    /// Its identifier.
    pub id: String,
    /// The secret, told this once.
    pub client_secret: String,
    /// When the client's other secrets stop counting.
    #[schema(value_type = String)]
    pub others_expire_at: Timestamp,
}

/// A user.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UserView {
    /// Its identifier, the `sub` of its tokens.
    pub id: String,
    /// The name it signs in with.
    pub username: String,
    /// Its e-mail address.
    pub email: Option<String>,
    /// Whether that was shown to be its own.
    pub email_verified: bool,
    /// Its name for people.
    pub name: Option<String>,
    /// What it may do to the tenant.
    pub roles: Vec<String>,
    /// `active` or `disabled`.
    pub status: String,
    /// Whether it has a password.
    pub has_password: bool,
    /// Raised by each change; also the `ETag`.
    pub version: i64,
    /// When it was made.
    #[schema(value_type = String)]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String)]
    pub updated_at: Timestamp,
}

impl From<&User> for UserView {
    fn from(user: &User) -> Self {
        Self {
            id: user.id.to_string(),
            username: user.username.clone(),
            email: user.email.clone(),
            email_verified: user.email_verified,
            name: user.name.clone(),
            roles: user.roles.iter().map(|role| role.as_str().to_owned()).collect(),
            status: user.status.as_str().to_owned(),
            has_password: user.password_hash.is_some(),
            version: user.version,
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

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
    pub(super) fn of(family: TokenFamily, now: Timestamp) -> Self {
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
    pub(super) fn of(session: Session, active: bool, username: String, clients: Vec<String>) -> Self {
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
    pub(super) fn with_families(self, families: Vec<TokenFamily>, is_live: bool, now: Timestamp) -> Self {
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

/// A signing key, its public half.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct KeyView {
    /// Its RFC 7638 thumbprint.
    pub kid: String,
    /// Its algorithm.
    pub alg: String,
    /// `next`, `active` or `retiring`.
    pub state: String,
    /// When it was made.
    #[schema(value_type = String)]
    pub created_at: Timestamp,
    /// When it began to sign.
    #[schema(value_type = Option<String>)]
    pub activated_at: Option<Timestamp>,
    /// When it is forgotten.
    #[schema(value_type = Option<String>)]
    pub expires_at: Option<Timestamp>,
}

impl From<&SigningKey> for KeyView {
    fn from(key: &SigningKey) -> Self {
        Self {
            kid: key.kid.clone(),
            alg: key.alg.as_str().to_owned(),
            state: key.state.as_str().to_owned(),
            created_at: key.created_at,
            activated_at: key.activated_at,
            expires_at: key.expires_at,
        }
    }
}

/// An entry of the audit trail.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditView {
    /// Its identifier, ordered by time.
    pub id: String,
    /// When.
    #[schema(value_type = String)]
    pub at: Timestamp,
    /// Who, `kind:name`.
    pub actor: String,
    /// What, `noun.verb`.
    pub action: String,
    /// To what.
    pub target: String,
    /// Why, or how it ended.
    pub reason: String,
    /// From which address.
    pub ip: String,
    /// With which program.
    pub user_agent: String,
}

impl From<AuditEntry> for AuditView {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id.to_string(),
            at: entry.at,
            actor: entry.actor,
            action: entry.action,
            target: entry.target,
            reason: entry.reason,
            ip: entry.origin.ip,
            user_agent: entry.origin.user_agent,
        }
    }
}
