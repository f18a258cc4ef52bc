//! The public keys of clients (RFC 7517; RFC 7518 §6, RFC 8037 §2): what of them is understood, and
//! which may be registered.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::domain::{FieldError, text_enum};

text_enum! {
    /// An algorithm that clients may sign assertions with.
    pub enum AssertionAlg {
        /// ECDSA on P-256 with SHA-256.
        Es256 = "ES256",
        /// Ed25519.
        EdDsa = "EdDSA",
        /// RSA PKCS#1 v1.5 with SHA-256.
        Rs256 = "RS256",
        /// RSA PSS with SHA-256.
        Ps256 = "PS256",
        /// ECDSA on P-384 with SHA-384.
        Es384 = "ES384",
    }
}

/// The numbers that a key consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KeyMaterial {
    /// An uncompressed point of P-256 (SEC 1 §2.3.3).
    P256(Vec<u8>),
    /// An uncompressed point of P-384.
    P384(Vec<u8>),
    /// A compressed point of edwards25519 (RFC 8032 §5.1.2).
    Ed25519(Vec<u8>),
    /// Modulus and exponent, big-endian.
    Rsa {
        /// The modulus.
        n: Vec<u8>,
        /// The exponent.
        e: Vec<u8>,
    },
}

/// A public key that verifies signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PublicJwk {
    /// Its name, where it has one.
    pub(super) kid: Option<String>,
    /// The one algorithm that it is for, where it says so.
    pub(super) alg: Option<AssertionAlg>,
    /// Its numbers.
    pub(super) material: KeyMaterial,
}

/// Members that are secret (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Keys in a set at most: any of them may have to be tried.
const MOST_KEYS: usize = 20;

/// The shortest RSA modulus (NIST SP 800-131A), and the longest that is verified with.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Exponents below are too small to be safe in every use (NIST SP 800-56B §6.2.1).
const LEAST_EXPONENT: u64 = 65_537;

/// Checks a JWK Set before it is stored.
///
/// # Errors
/// The member at fault, as `jwks.keys[…].…`.
pub fn check_jwks(jwks: &Value) -> Result<(), FieldError> {
    let keys = jwks.get("keys").and_then(Value::as_array);
    let keys = keys.ok_or_else(|| FieldError::new("jwks", "a JWK set: {\"keys\": [...]}"))?;
    if keys.len() > MOST_KEYS {
        return Err(FieldError::new("jwks.keys", format!("at most {MOST_KEYS} keys")));
    }
    let mut seen = Vec::new();
    for (at, key) in keys.iter().enumerate() {
        let named = |why: KeyFault| why.at(at);
        let key = PublicJwk::parse(key).map_err(named)?;
        key.check().map_err(named)?;
        if key.kid.is_some() && seen.contains(&key.kid) {
            return Err(named(KeyFault("kid", "another key of the set has this name")));
        }
        seen.push(key.kid);
    }
    Ok(())
}

/// A member of a key, empty for the key as a whole, and what is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyFault(&'static str, &'static str);

impl KeyFault {
    fn at(self, index: usize) -> FieldError {
        let Self(member, why) = self;
        let dot = if member.is_empty() { "" } else { "." };
        FieldError::new(format!("jwks.keys[{index}]{dot}{member}"), why)
    }
}

impl PublicJwk {
    /// Reads a key. `x5c`, `x5u` and what else is not understood is ignored (RFC 7517 §4).
    ///
    /// # Errors
    /// The member that keeps it from verifying signatures, or does not belong in a public key.
    pub(super) fn parse(key: &Value) -> Result<Self, KeyFault> {
        let members = key.as_object().ok_or(KeyFault("", "an object"))?;
        if let Some(private) = PRIVATE.into_iter().find(|name| members.contains_key(*name)) {
            return Err(KeyFault(private, "a private member: send public keys only"));
        }
        if !matches!(text(members, "use")?, None | Some("sig")) {
            return Err(KeyFault("use", "sig, or left out: the key is for signatures"));
        }
        check_operations(members.get("key_ops"))?;
        let kid = text(members, "kid")?;
        if kid
            .is_some_and(|kid| kid.is_empty() || kid.len() > 200 || kid.contains(char::is_control))
        {
            return Err(KeyFault("kid", "1 to 200 bytes, no control characters"));
        }
        let material = KeyMaterial::parse(members)?;
        let alg = match text(members, "alg")? {
            None => None,
            Some(name) => {
                Some(material.alg_named(name).ok_or(KeyFault("alg", material.alg_hint()))?)
            }
        };
        Ok(Self { kid: kid.map(str::to_owned), alg, material })
    }

    /// Whether it may verify signatures of `alg`.
    pub(super) fn serves(&self, alg: AssertionAlg) -> bool {
        self.alg.is_none_or(|own| own == alg) && self.material.algs().contains(&alg)
    }

    /// Checks that its numbers are a key that nobody else can sign for.
    fn check(&self) -> Result<(), KeyFault> {
        let is_point = |alg, point: &[u8]| ParsedPublicKey::new(alg, point).is_ok();
        match &self.material {
            KeyMaterial::P256(point) if !is_point(&ECDSA_P256_SHA256_FIXED, point) => {
                Err(KeyFault("", "x and y are no point of P-256"))
            }
            KeyMaterial::P384(point) if !is_point(&ECDSA_P384_SHA384_FIXED, point) => {
                Err(KeyFault("", "x and y are no point of P-384"))
            }
            KeyMaterial::P256(_) | KeyMaterial::P384(_) => Ok(()),
            KeyMaterial::Ed25519(point) => check_ed25519(point),
            KeyMaterial::Rsa { n, e } => check_rsa(n, e),
        }
    }
}

fn text<'a>(
    members: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a str>, KeyFault> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(KeyFault(name, "a string")),
    }
}

/// A number of the key, base64url without padding.
fn bytes(members: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, KeyFault> {
    let text = text(members, name)?.ok_or(KeyFault(name, "missing"))?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyFault(name, "base64url without padding"))
}

fn check_operations(operations: Option<&Value>) -> Result<(), KeyFault> {
    let Some(operations) = operations else { return Ok(()) };
    let names = operations.as_array().ok_or(KeyFault("key_ops", "an array of strings"))?;
    if !names.iter().all(Value::is_string) {
        return Err(KeyFault("key_ops", "an array of strings"));
    }
    if !names.iter().any(|name| name == "verify") {
        return Err(KeyFault(
            "key_ops",
            "with verify in it, or left out: the key is for signatures",
        ));
    }
    let is_repeated = names
        .iter()
        .enumerate()
        .any(|(at, name)| names.iter().skip(at + 1).any(|other| other == name));
    if is_repeated {
        Err(KeyFault("key_ops", "none of them twice (RFC 7517 section 4.3)"))
    } else {
        Ok(())
    }
}

impl KeyMaterial {
    fn parse(members: &Map<String, Value>) -> Result<Self, KeyFault> {
        let coordinate = |name, length| match bytes(members, name)? {
            bytes if bytes.len() == length => Ok(bytes),
            _ => Err(KeyFault(name, "as long as the curve's field (RFC 7518 section 6.2.1)")),
        };
        let point =
            |length| Ok([vec![4], coordinate("x", length)?, coordinate("y", length)?].concat());
        let kty = text(members, "kty")?;
        match (kty, text(members, "crv")?) {
            (Some("EC"), Some("P-256")) => Ok(Self::P256(point(32)?)),
            (Some("EC"), Some("P-384")) => Ok(Self::P384(point(48)?)),
            (Some("EC"), _) => Err(KeyFault("crv", "P-256 or P-384")),
            (Some("OKP"), Some("Ed25519")) => Ok(Self::Ed25519(coordinate("x", 32)?)),
            (Some("OKP"), _) => Err(KeyFault("crv", "Ed25519")),
            (Some("RSA"), _) => Ok(Self::Rsa { n: bytes(members, "n")?, e: bytes(members, "e")? }),
            _ => Err(KeyFault("kty", "public keys of kty EC, OKP or RSA")),
        }
    }

    /// The algorithms whose signatures such a key verifies.
    fn algs(&self) -> &'static [AssertionAlg] {
        match self {
            Self::P256(_) => &[AssertionAlg::Es256],
            Self::P384(_) => &[AssertionAlg::Es384],
            Self::Ed25519(_) => &[AssertionAlg::EdDsa],
            Self::Rsa { .. } => &[AssertionAlg::Rs256, AssertionAlg::Ps256],
        }
    }

    fn alg_named(&self, name: &str) -> Option<AssertionAlg> {
        self.algs().iter().copied().find(|alg| alg.as_str() == name)
    }

    fn alg_hint(&self) -> &'static str {
        match self {
            Self::P256(_) => "ES256, or left out, with this curve",
            Self::P384(_) => "ES384, or left out, with this curve",
            Self::Ed25519(_) => "EdDSA, or left out, with this curve",
            Self::Rsa { .. } => "RS256 or PS256, or left out, with kty RSA",
        }
    }
}

fn check_ed25519(point: &[u8]) -> Result<(), KeyFault> {
    let point = point.try_into().map_err(|_| KeyFault("x", "32 bytes"))?;
    let key = ed25519_dalek::VerifyingKey::from_bytes(point);
    let key = key.map_err(|_| KeyFault("x", "no point of Ed25519"))?;
    // A point of small order verifies signatures that nobody has made.
    if key.is_weak() { Err(KeyFault("x", "a point of small order")) } else { Ok(()) }
}

fn check_rsa(n: &[u8], e: &[u8]) -> Result<(), KeyFault> {
    let [first, ..] = n else { return Err(KeyFault("n", "missing")) };
    if *first == 0 {
        return Err(KeyFault("n", "without zeros in front (RFC 7518 section 6.3.1.1)"));
    }
    let bits = n.len() * 8 - first.leading_zeros() as usize;
    if !RSA_BITS.contains(&bits) {
        return Err(KeyFault("n", "2048 to 8192 bits"));
    }
    if n.last().is_none_or(|last| last % 2 == 0) {
        return Err(KeyFault("n", "an odd number"));
    }
    let wrong =
        KeyFault("e", "an odd number, 65537 at least and 32 bits at most, without zeros in front");
    if e.len() > 4 || e.first().is_none_or(|first| *first == 0) {
        return Err(wrong);
    }
    let exponent = e.iter().fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte));
    if exponent < LEAST_EXPONENT || exponent % 2 == 0 {
        return Err(wrong);
    }
    let key = RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256);
    key.map(drop).map_err(|_| KeyFault("", "n and e are no RSA key"))
}
