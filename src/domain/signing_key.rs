//! A tenant's signing keys.

use super::{TenantId, Timestamp, text_enum::text_enum};

text_enum! {
    /// A signature algorithm (RFC 7518 §3.1, RFC 8037).
    pub enum SigningAlg {
        /// ECDSA on P-256 with SHA-256.
        Es256 = "ES256",
        /// Ed25519.
        EdDsa = "EdDSA",
        /// RSA PKCS#1 v1.5 with SHA-256.
        Rs256 = "RS256",
    }
}

text_enum! {
    /// Where a key stands in its life.
    pub enum KeyState {
        /// Published, so that verifiers have it before it signs.
        Next = "next",
        /// Signs. One a tenant.
        Active = "active",
        /// Signs no more; published until its last token has expired.
        Retiring = "retiring",
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
