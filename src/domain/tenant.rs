//! Tenants: the unit that owns an issuer, keys, clients, users and sessions.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{EventNumber, FieldError, SigningAlg, TenantId, Timestamp, text_enum::text_enum};
use crate::protocol::Scope;

/// A tenant's name in addresses: `[a-z0-9][a-z0-9-]{0,62}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Slug(String);

impl Slug {
    /// The slug of the tenant whose users operate the whole installation.
    pub const SYSTEM: &'static str = "system";

    /// The slug as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        let fits =
            (1..=63).contains(&text.len()) && text.bytes().all(inner) && !text.starts_with('-');
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(FieldError::new("slug", "1 to 63 of a-z, 0-9 and -, not starting with -"))
        }
    }
}

impl<'de> Deserialize<'de> for Slug {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_enum! {
    /// Whether a tenant serves.
    pub enum TenantStatus {
        /// It serves.
        Active = "active",
        /// Its endpoints answer as if it did not exist; nothing of it is lost.
        Suspended = "suspended",
    }
}

/// What a tenant decides for itself. Times are seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TenantSettings {
    /// Lifetime of an access token.
    pub access_token_ttl: i64,
    /// Lifetime of a refresh token family, from its start unless sliding.
    pub refresh_token_ttl: i64,
    /// Whether each rotation starts `refresh_token_ttl` anew.
    pub refresh_token_sliding: bool,
    /// How long a retry of the last rotation is answered rather than punished.
    pub refresh_reuse_grace: i64,
    /// bcrypt's cost for new password hashes.
    pub password_bcrypt_cost: u32,
    /// How long a browser session signs on silently without being used.
    pub session_idle_ttl: i64,
    /// How long any session and its grants live at most.
    pub session_max_ttl: i64,
    /// How long entries of the audit trail stay.
    pub audit_retention: i64,
    /// The algorithm of keys made from now on.
    #[schema(value_type = String, example = "ES256")]
    pub signing_alg: SigningAlg,
    /// Whether client assertions must be meant for the issuer, and no longer for the token endpoint
    /// (draft-ietf-oauth-rfc7523bis); a client may ask for it by itself.
    pub strict_assertion_audience: bool,
}

impl Default for TenantSettings {
    fn default() -> Self {
        Self {
            access_token_ttl: 900,
            refresh_token_ttl: 604_800,
            refresh_token_sliding: true,
            refresh_reuse_grace: 10,
            password_bcrypt_cost: 12,
            session_idle_ttl: 86_400,
            session_max_ttl: 2_592_000,
            audit_retention: 31_536_000,
            signing_alg: SigningAlg::Es256,
            strict_assertion_audience: false,
        }
    }
}

impl TenantSettings {
    /// The longest that an access token may live, in seconds: revocations are remembered for as long.
    pub const MOST_ACCESS_TOKEN_TTL: i64 = 86_400;

    /// Checks every bound.
    ///
    /// # Errors
    /// The first field that lies outside its bounds.
    pub fn check(&self) -> Result<(), FieldError> {
        const YEAR: i64 = 366 * 86_400;
        let between = |field: &str, value: i64, low: i64, high: i64| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(FieldError::new(format!("settings.{field}"), format!("{low} to {high}")))
            }
        };
        between("access_token_ttl", self.access_token_ttl, 1, Self::MOST_ACCESS_TOKEN_TTL)?;
        between("refresh_token_ttl", self.refresh_token_ttl, 1, YEAR)?;
        between("refresh_reuse_grace", self.refresh_reuse_grace, 0, 300)?;
        between("password_bcrypt_cost", self.password_bcrypt_cost.into(), 10, 15)?;
        between("session_idle_ttl", self.session_idle_ttl, 1, YEAR)?;
        between("session_max_ttl", self.session_max_ttl, 1, YEAR)?;
        between("audit_retention", self.audit_retention, 86_400, 10 * YEAR)
    }
}

/// A scope that a tenant's clients may be registered for (RFC 6749 §3.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScopeDefinition {
    /// The scope token.
    pub name: String,
    /// What it allows, in words that the consent page shows.
    #[serde(default)]
    pub description: String,
}

/// A resource server of a tenant: an audience of access tokens (RFC 8707).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// Its absolute URI, the `aud` of its tokens.
    pub uri: String,
    /// The scopes that mean this resource.
    #[serde(default)]
    pub scopes: Vec<String>,
}

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its identifier.
    pub id: TenantId,
    /// Its name in addresses.
    pub slug: Slug,
    /// Its name for people.
    pub name: String,
    /// Whether it serves.
    pub status: TenantStatus,
    /// What it decides for itself.
    pub settings: TenantSettings,
    /// Scopes beyond the built-in ones.
    pub scopes: Vec<ScopeDefinition>,
    /// Its audiences.
    pub resources: Vec<Resource>,
    /// Raised by each change: what two people change at once, one of them is told.
    pub version: i64,
    /// The event that last ended everything in it.
    pub ended_seq: EventNumber,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Tenant {
    /// Whether this is the tenant of the operators.
    pub fn is_system(&self) -> bool {
        self.slug.as_str() == Slug::SYSTEM
    }

    /// Whether it serves.
    pub fn is_active(&self) -> bool {
        self.status == TenantStatus::Active
    }

    /// The description of `scope`, where this tenant knows that scope.
    pub fn describe_scope<'a>(&'a self, scope: &str) -> Option<&'a str> {
        let builtin =
            Scope::BUILT_IN.iter().find(|(name, _)| *name == scope).map(|(_, text)| *text);
        builtin.or_else(|| {
            self.scopes
                .iter()
                .find(|known| known.name == scope)
                .map(|known| known.description.as_str())
        })
    }

    /// Checks name, settings, scopes and resources.
    ///
    /// # Errors
    /// The first field at fault.
    pub fn check(&self) -> Result<(), FieldError> {
        if self.name.trim().is_empty() || self.name.len() > 200 {
            return Err(FieldError::new("name", "1 to 200 bytes"));
        }
        self.settings.check()?;
        for (at, scope) in self.scopes.iter().enumerate() {
            let field = format!("scopes[{at}].name");
            if !Scope::is_token(&scope.name) {
                return Err(FieldError::new(field, "a scope token (RFC 6749 section 3.3)"));
            }
            if Scope::BUILT_IN.iter().any(|(name, _)| *name == scope.name) {
                return Err(FieldError::new(field, "this scope is built in"));
            }
            if self.scopes.iter().filter(|other| other.name == scope.name).count() > 1 {
                return Err(FieldError::new(field, "named twice"));
            }
        }
        for (at, resource) in self.resources.iter().enumerate() {
            let absolute = url::Url::parse(&resource.uri).is_ok_and(|uri| uri.fragment().is_none());
            if !absolute {
                let field = format!("resources[{at}].uri");
                return Err(FieldError::new(field, "an absolute URI without fragment (RFC 8707)"));
            }
            if let Some(unknown) = resource.scopes.iter().find(|s| self.describe_scope(s).is_none())
            {
                let field = format!("resources[{at}].scopes");
                return Err(FieldError::new(field, format!("no scope of this tenant: {unknown}")));
            }
        }
        Ok(())
    }
}
