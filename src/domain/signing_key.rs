//! A tenant's signing keys.

use serde::{Deserialize, Serialize};

use super::{TenantId, Timestamp};

/// A signature algorithm (RFC 7518 §3.1, RFC 8037).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SigningAlg {
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// RSA PKCS#1 v1.5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
}

impl SigningAlg {
    /// Every algorithm.
    pub const ALL: [Self; 3] = [Self::Es256, Self::EdDsa, Self::Rs256];

    /// Its JOSE name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
        }
    }

    /// The algorithm with this JOSE name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|alg| alg.as_str() == name)
    }
}

/// Where a key stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Published, so that verifiers have it before it signs.
    Next,
    /// Signs. One a tenant.
    Active,
    /// Signs no more; published until its last token has expired.
    Retiring,
}

impl KeyState {
    /// The word stored for this state.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retiring => "retiring",
        }
    }

    /// The state stored under `word`.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Next, Self::Active, Self::Retiring].into_iter().find(|state| state.as_str() == word)
    }
}

/// A signing key as it is stored: its private half is sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Its tenant.
    pub tenant_id: TenantId,
    /// Its RFC 7638 thumbprint.
    pub kid: String,
    /// Its algorithm.
    pub alg: SigningAlg,
    /// Where it stands.
    pub state: KeyState,
    /// The public half, a JWK.
    pub public_jwk: serde_json::Value,
    /// The private half, PKCS#8, sealed under the master key.
    pub sealed_private: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it began to sign.
    pub activated_at: Option<Timestamp>,
    /// When it may be forgotten, once retiring.
    pub expires_at: Option<Timestamp>,
}
