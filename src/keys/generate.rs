//! Making signing keys, and holding them ready to sign.

use aws_lc_rs::{
    encoding::AsDer as _,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
        RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{KeyError, MasterKey};
use crate::domain::{KeyState, SigningAlg, SigningKey, TenantId, Timestamp};

/// A private key, parsed once: parsing it again for each signature costs as much as signing.
pub(super) enum PrivateKey {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(Box<RsaKeyPair>),
}

impl PrivateKey {
    pub(super) fn parse(alg: SigningAlg, pkcs8: &[u8]) -> Result<Self, KeyError> {
        let broken = |_| KeyError::Broken("a private key does not parse");
        match alg {
            SigningAlg::Es256 => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
                .map(Self::Es256)
                .map_err(broken),
            SigningAlg::EdDsa => Ed25519KeyPair::from_pkcs8(pkcs8).map(Self::EdDsa).map_err(broken),
            SigningAlg::Rs256 => {
                RsaKeyPair::from_pkcs8(pkcs8).map(|key| Self::Rs256(Box::new(key))).map_err(broken)
            }
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let failed = |_| KeyError::Broken("signing failed");
        let random = SystemRandom::new();
        match self {
            Self::Es256(key) => {
                key.sign(&random, message).map(|s| s.as_ref().to_vec()).map_err(failed)
            }
            Self::EdDsa(key) => key.try_sign(message).map(|s| s.as_ref().to_vec()).map_err(failed),
            Self::Rs256(key) => {
                let mut out = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut out).map_err(failed)?;
                Ok(out)
            }
        }
    }
}

fn generate(alg: SigningAlg) -> Result<(Zeroizing<Vec<u8>>, Value), KeyError> {
    let failed = |_| KeyError::Broken("no key could be made");
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    match alg {
        SigningAlg::Es256 => {
            let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
            let pkcs8 = key.to_pkcs8v1().map_err(failed)?;
            // An uncompressed point: 0x04, x, y.
            let point = key.public_key().as_ref();
            let (x, y) =
                point.get(1..33).zip(point.get(33..65)).ok_or(KeyError::Broken("a short point"))?;
            let jwk = json!({"kty": "EC", "crv": "P-256", "x": text(x), "y": text(y)});
            Ok((Zeroizing::new(pkcs8.as_ref().to_vec()), jwk))
        }
        SigningAlg::EdDsa => {
            let key = Ed25519KeyPair::generate().map_err(failed)?;
            let pkcs8 = key.to_pkcs8v1().map_err(failed)?;
            let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": text(key.public_key().as_ref())});
            Ok((Zeroizing::new(pkcs8.as_ref().to_vec()), jwk))
        }
        SigningAlg::Rs256 => {
            let key = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
            let pkcs8 = key.as_der().map_err(failed)?;
            let public = key.public_key();
            let n = text(public.modulus().big_endian_without_leading_zero());
            let e = text(public.exponent().big_endian_without_leading_zero());
            Ok((Zeroizing::new(pkcs8.as_ref().to_vec()), json!({"kty": "RSA", "n": n, "e": e})))
        }
    }
}

impl MasterKey {
    /// A new signing key, its private half sealed.
    ///
    /// # Errors
    /// [`KeyError::Broken`] where the cryptographic library refuses.
    pub fn new_signing_key(
        &self,
        tenant_id: TenantId,
        alg: SigningAlg,
        state: KeyState,
        now: Timestamp,
    ) -> Result<SigningKey, KeyError> {
        let (pkcs8, mut jwk) = generate(alg)?;
        let parsed: Jwk = serde_json::from_value(jwk.clone())
            .map_err(|_| KeyError::Broken("a public key does not parse"))?;
        let kid = parsed
            .thumbprint(ThumbprintHash::SHA256)
            .map_err(|_| KeyError::Broken("no thumbprint could be made"))?;
        if let Value::Object(members) = &mut jwk {
            members.insert("kid".into(), kid.clone().into());
            members.insert("alg".into(), alg.as_str().into());
            members.insert("use".into(), "sig".into());
        }
        let sealed =
            self.seal(tenant_id, &kid, &pkcs8).ok_or(KeyError::Broken("sealing failed"))?;
        Ok(SigningKey {
            tenant_id,
            kid,
            alg,
            state,
            public_jwk: jwk,
            sealed_private: sealed,
            created_at: now,
            activated_at: (state == KeyState::Active).then_some(now),
            expires_at: None,
        })
    }
}
