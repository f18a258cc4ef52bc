//! Signing and verifying JSON Web Tokens (RFC 7519, RFC 8725).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header, jwk::Jwk};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    KeyError, TenantKeys,
    jwk::{AssertionAlg, KeyMaterial, PublicJwk},
};
use crate::domain::SigningAlg;

/// The kinds of token that a tenant signs; each names itself in `typ` (RFC 8725 §3.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenType {
    /// `at+jwt` (RFC 9068 §2.1).
    Access,
    /// `JWT` (OpenID Connect Core §2).
    Id,
    /// What a client signs: `client-authentication+jwt` (draft-ietf-oauth-rfc7523bis), `JWT`, or none.
    Assertion,
}

impl TokenType {
    fn as_str(self) -> &'static str {
        match self {
            Self::Access => "at+jwt",
            Self::Id => "JWT",
            Self::Assertion => "client-authentication+jwt",
        }
    }

    fn accepts(self, typ: Option<&str>) -> bool {
        let is = |known: &str| typ.is_some_and(|typ| media_type(typ).eq_ignore_ascii_case(known));
        match self {
            Self::Access => is(self.as_str()),
            Self::Id => typ.is_some_and(|typ| typ.eq_ignore_ascii_case(self.as_str())),
            Self::Assertion => typ.is_none() || is("JWT") || is(self.as_str()),
        }
    }
}

/// `typ` as a media type is written in full: what may be left out is left out (RFC 7515 §4.1.9).
fn media_type(typ: &str) -> &str {
    match typ.split_at_checked("application/".len()) {
        Some((kind, rest)) if kind.eq_ignore_ascii_case("application/") && !rest.contains('/') => {
            rest
        }
        _ => typ,
    }
}

/// A token that is not good, and why, for the audit trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TokenRejected(pub &'static str);

/// Longer tokens are refused before anything is decoded.
const MOST_BYTES: usize = 8192;

fn jose(alg: SigningAlg) -> Algorithm {
    match alg {
        SigningAlg::Es256 => Algorithm::ES256,
        SigningAlg::EdDsa => Algorithm::EdDSA,
        SigningAlg::Rs256 => Algorithm::RS256,
    }
}

/// A public key that verifies one algorithm's signatures.
pub(super) struct VerifyingKey {
    pub(super) kid: String,
    alg: Algorithm,
    key: DecodingKey,
}

impl VerifyingKey {
    pub(super) fn new(
        kid: &str,
        alg: SigningAlg,
        jwk: &serde_json::Value,
    ) -> Result<Self, KeyError> {
        let broken = KeyError::Broken("a public key does not parse");
        let jwk: Jwk = serde_json::from_value(jwk.clone()).map_err(|_| broken.clone())?;
        let key = DecodingKey::from_jwk(&jwk).map_err(|_| broken)?;
        Ok(Self { kid: kid.to_owned(), alg: jose(alg), key })
    }
}

/// Checks signature and algorithm; instants and claims are for the caller, who has the clock.
fn checked<C: DeserializeOwned>(
    token: &str,
    key: &DecodingKey,
    algs: &[Algorithm],
) -> Result<C, TokenRejected> {
    let first = algs.first().copied().ok_or(TokenRejected("no algorithm"))?;
    let mut validation = Validation::new(first);
    validation.algorithms = algs.to_vec();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims = ["exp".to_owned()].into();
    let data = decode::<C>(token, key, &validation)
        .map_err(|_| TokenRejected("bad signature or claims"))?;
    Ok(data.claims)
}

fn read_header(token: &str) -> Result<Header, TokenRejected> {
    if token.len() > MOST_BYTES {
        return Err(TokenRejected("too long"));
    }
    let header = decode_header(token).map_err(|_| TokenRejected("no JWT"))?;
    // Nothing that is critical to others is understood here (RFC 7515 §4.1.11).
    if header.crit.is_some() { Err(TokenRejected("crit")) } else { Ok(header) }
}

/// The same of a header that somebody else has written: a `null` is no way to leave a member out.
fn read_foreign_header(token: &str) -> Result<Header, TokenRejected> {
    let header = read_header(token)?;
    let text =
        URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap_or_default()).unwrap_or_default();
    let members: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&text).map_err(|_| TokenRejected("no JWT"))?;
    if members.contains_key("crit") || members.values().any(serde_json::Value::is_null) {
        return Err(TokenRejected("crit or null in the header"));
    }
    Ok(header)
}

impl TenantKeys {
    /// Signs `claims` with the active key.
    ///
    /// # Errors
    /// [`KeyError::Broken`] where the cryptographic library refuses.
    pub fn sign(&self, typ: TokenType, claims: &impl Serialize) -> Result<String, KeyError> {
        let mut header = Header::new(jose(self.active.alg));
        header.typ = Some(typ.as_str().to_owned());
        header.kid = Some(self.active.kid.clone());
        let part = |bytes: Result<Vec<u8>, serde_json::Error>| {
            bytes
                .map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
                .map_err(|_| KeyError::Broken("claims do not serialize"))
        };
        let header = part(serde_json::to_vec(&header))?;
        let mut token = format!("{header}.{}", part(serde_json::to_vec(claims))?);
        let signature = self.active.key.sign(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    /// The claims of a token of kind `typ` that this tenant signed. Keys are found by `kid`
    /// among the tenant's own; `jku`, `jwk` and `x5u` are not looked at.
    ///
    /// # Errors
    /// [`TokenRejected`]. Expiry is for the caller to check.
    pub fn verify<C: DeserializeOwned>(
        &self,
        typ: TokenType,
        token: &str,
    ) -> Result<C, TokenRejected> {
        self.verify_named(typ, token).map(|(_, claims)| claims)
    }

    /// The same, with the `kid` of the key that it was signed with.
    pub(super) fn verify_named<C: DeserializeOwned>(
        &self,
        typ: TokenType,
        token: &str,
    ) -> Result<(String, C), TokenRejected> {
        let header = read_header(token)?;
        if !typ.accepts(header.typ.as_deref()) {
            return Err(TokenRejected("wrong typ"));
        }
        let kid = header.kid.ok_or(TokenRejected("no kid"))?;
        let known =
            self.verifying.iter().find(|key| key.kid == kid).ok_or(TokenRejected("unknown kid"))?;
        if header.alg != known.alg {
            return Err(TokenRejected("wrong alg"));
        }
        checked(token, &known.key, &[known.alg]).map(|claims| (kid, claims))
    }

    /// Whether a key of this `kid` verifies.
    pub(super) fn know(&self, kid: &str) -> bool {
        self.verifying.iter().any(|key| key.kid == kid)
    }

    /// What a token of kind `typ` says whose key this tenant has not, or no longer. It proves nothing.
    pub fn unproven<C: DeserializeOwned>(&self, typ: TokenType, token: &str) -> Option<C> {
        let header = read_header(token).ok().filter(|header| typ.accepts(header.typ.as_deref()))?;
        if header.kid.is_some_and(|kid| self.know(&kid)) {
            return None;
        }
        let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
        serde_json::from_slice(&payload).ok()
    }
}

fn jose_of_assertion(alg: AssertionAlg) -> Algorithm {
    match alg {
        AssertionAlg::Es256 => Algorithm::ES256,
        AssertionAlg::EdDsa => Algorithm::EdDSA,
        AssertionAlg::Rs256 => Algorithm::RS256,
        AssertionAlg::Ps256 => Algorithm::PS256,
        AssertionAlg::Es384 => Algorithm::ES384,
    }
}

fn decoding_key(material: &KeyMaterial) -> DecodingKey {
    match material {
        KeyMaterial::P256(point) | KeyMaterial::P384(point) => DecodingKey::from_ec_der(point),
        KeyMaterial::Ed25519(point) => DecodingKey::from_ed_der(point),
        KeyMaterial::Rsa { n, e } => DecodingKey::from_rsa_raw_components(n, e),
    }
}

/// Who a token says that it is from. That is not to be believed: it may decide how a token is refused, and
/// nothing else.
pub fn unverified_issuer(token: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Named {
        iss: String,
    }
    let named = jsonwebtoken::dangerous::insecure_decode::<Named>(token).ok()?;
    Some(named.claims.iss)
}

/// The claims of a client assertion signed with one of the client's keys (RFC 7523 §3): with the one
/// that its `kid` names, or else with any. What a key says it is for counts.
///
/// # Errors
/// [`TokenRejected`]. Issuer, audience, expiry and `jti` are for the caller to check.
pub fn verify_assertion<C: DeserializeOwned>(
    jwks: &serde_json::Value,
    token: &str,
) -> Result<C, TokenRejected> {
    let header = read_foreign_header(token)?;
    if !TokenType::Assertion.accepts(header.typ.as_deref()) {
        return Err(TokenRejected("wrong typ"));
    }
    let alg = AssertionAlg::ALL.iter().copied().find(|alg| jose_of_assertion(*alg) == header.alg);
    let alg = alg.ok_or(TokenRejected("algorithm not allowed"))?;
    let keys = jwks.get("keys").and_then(|keys| keys.as_array());
    let keys = keys.ok_or(TokenRejected("the client's keys do not parse"))?;
    let keys = keys.iter().filter_map(|key| PublicJwk::parse(key).ok());
    let named = keys.filter(|key| header.kid.is_none() || header.kid == key.kid);
    for key in named.filter(|key| key.serves(alg)) {
        if let Ok(claims) = checked(token, &decoding_key(&key.material), &[header.alg]) {
            return Ok(claims);
        }
    }
    Err(TokenRejected("no key of the client fits"))
}
