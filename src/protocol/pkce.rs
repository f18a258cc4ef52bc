//! Proof Key for Code Exchange (RFC 7636), S256 only.

use aws_lc_rs::{constant_time, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{OauthError, Params};

/// A `code_challenge` of method `S256`: 43 characters of base64url.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeChallenge(String);

impl CodeChallenge {
    /// Reads `code_challenge` and `code_challenge_method` (RFC 7636 §4.3).
    ///
    /// # Errors
    /// `invalid_request`: no challenge, the method `plain` (also by default), or a challenge
    /// that is no SHA-256.
    pub fn from_params(params: &Params) -> Result<Self, OauthError> {
        let challenge = params
            .find("code_challenge")
            .ok_or_else(|| OauthError::invalid_request("PKCE is required: code_challenge is missing"))?;
        if params.find("code_challenge_method") != Some("S256") {
            return Err(OauthError::invalid_request("code_challenge_method must be S256"));
        }
        let bytes = URL_SAFE_NO_PAD.decode(challenge).unwrap_or_default();
        if bytes.len() != 32 {
            return Err(OauthError::invalid_request("code_challenge is no base64url SHA-256"));
        }
        Ok(Self(challenge.to_owned()))
    }

    /// The challenge stored as `text`.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The challenge as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `verifier` is the one behind this challenge (RFC 7636 §4.6).
    pub fn accepts(&self, verifier: &str) -> bool {
        let unreserved = |c: u8| c.is_ascii_alphanumeric() || b"-._~".contains(&c);
        let well_formed = (43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved);
        let digest = digest::digest(&digest::SHA256, verifier.as_bytes());
        let computed = URL_SAFE_NO_PAD.encode(digest.as_ref());
        well_formed && constant_time::verify_slices_are_equal(computed.as_bytes(), self.0.as_bytes()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7636_appendix_b_holds() {
        let challenge = CodeChallenge::stored("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".into());
        assert!(challenge.accepts("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
        assert!(!challenge.accepts("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXK"));
        assert!(!challenge.accepts(""));
    }
}
