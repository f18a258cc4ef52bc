//! The claims of access tokens (RFC 9068 §2.2) and ID tokens (OpenID Connect Core §2).

use serde::{Deserialize, Serialize};

use super::Scope;

/// `aud`: one audience as a string, several as an array (RFC 7519 §4.1.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Audience {
    /// The audience of these values.
    pub fn of(mut values: Vec<String>) -> Self {
        match values.len() {
            1 => Self::One(values.remove(0)),
            _ => Self::Many(values),
        }
    }

    /// Whether `value` is in it.
    pub fn contains(&self, value: &str) -> bool {
        match self {
            Self::One(only) => only == value,
            Self::Many(values) => values.iter().any(|known| known == value),
        }
    }
}

/// The claims of an access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    /// The tenant's issuer.
    pub iss: String,
    /// The user's id, or the client_id where no user took part.
    pub sub: String,
    /// Who may accept it.
    pub aud: Audience,
    /// When it expires, in seconds.
    pub exp: i64,
    /// When it was issued, in seconds.
    pub iat: i64,
    /// The number of the last event that its making knew of: endings of its user, client or
    /// tenant with a higher number refuse it.
    pub rev: i64,
    /// Its own identifier.
    pub jti: String,
    /// The client it was issued to.
    pub client_id: String,
    /// What it allows.
    pub scope: Scope,
    /// The session it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// The grant it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gid: Option<String>,
    /// When the user last proved who they are, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// The class of that proof.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// Its methods (RFC 8176).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amr: Option<Vec<String>>,
}

/// The claims of an ID token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdTokenClaims {
    /// The tenant's issuer.
    pub iss: String,
    /// The user's id.
    pub sub: String,
    /// The client.
    pub aud: String,
    /// When it expires, in seconds.
    pub exp: i64,
    /// When it was issued, in seconds.
    pub iat: i64,
    /// When the user last proved who they are, in seconds.
    pub auth_time: i64,
    /// The value the client sent along.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// The session, for logout.
    pub sid: String,
    /// The class of the proof.
    pub acr: String,
    /// Its methods (RFC 8176).
    pub amr: Vec<String>,
    /// The left half of the access token's SHA-256 (OpenID Connect Core §3.1.3.6).
    pub at_hash: String,
    /// What the scope opens of the user.
    #[serde(flatten)]
    pub user: UserClaims,
}

/// What is told of a user (OpenID Connect Core §5.1), as far as a scope opens it (§5.4).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct UserClaims {
    /// The user's name, with scope `profile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The name they sign in with, with scope `profile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<String>,
    /// Their address, with scope `email`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether it was verified, with scope `email`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
}

impl UserClaims {
    /// Their names, for the server's metadata.
    pub const NAMES: [&'static str; 4] = ["name", "preferred_username", "email", "email_verified"];
}
