//! The keys of the issuers that the table speaks of.

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
        RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

pub(crate) fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A pair of keys.
pub(crate) enum Key {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl Key {
    pub(crate) fn p256() -> Self {
        Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub(crate) fn ed25519() -> Self {
        Self::Ed25519(Ed25519KeyPair::generate().unwrap())
    }

    pub(crate) fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    /// Its public half (RFC 7517).
    pub(crate) fn jwk(&self, id: &str, public_key_use: &str) -> Value {
        let mut jwk = match self {
            Self::P256(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "x": base64(x), "y": base64(y) })
            }
            Self::Ed25519(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": base64(pair.public_key()) })
            }
            Self::Rsa(pair) => {
                let public = pair.public_key();
                let n = base64(public.modulus().big_endian_without_leading_zero());
                let e = base64(public.exponent().big_endian_without_leading_zero());
                json!({ "kty": "RSA", "alg": "RS256", "n": n, "e": e })
            }
        };
        jwk["kid"] = id.into();
        jwk["use"] = public_key_use.into();
        jwk
    }

    /// Signs, by the algorithm of that name where there is a choice.
    pub(crate) fn sign(&self, algorithm: &str, message: &[u8]) -> String {
        let random = SystemRandom::new();
        match self {
            Self::P256(pair) => base64(pair.sign(&random, message).unwrap()),
            Self::Ed25519(pair) => base64(pair.sign(message)),
            Self::Rsa(pair) => {
                let padding: &dyn RsaEncoding =
                    if algorithm == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, message, &mut signature).unwrap();
                base64(signature)
            }
        }
    }

    /// Signs as if the public key, which everybody knows, were a secret (RFC 8725 §2.1).
    pub(crate) fn sign_by_the_public(&self, message: &[u8]) -> String {
        let public = serde_json::to_string(&self.jwk("one", "sig")).unwrap();
        let secret = hmac::Key::new(hmac::HMAC_SHA256, public.as_bytes());
        base64(hmac::sign(&secret, message))
    }
}
