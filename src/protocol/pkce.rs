//! Proof Key for Code Exchange (RFC 7636), S256 only.

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
        let challenge = params.find("code_challenge").ok_or_else(|| {
            OauthError::invalid_request("PKCE is required: code_challenge is missing")
        })?;
        if params.find("code_challenge_method") != Some("S256") {
            return Err(OauthError::invalid_request("code_challenge_method must be S256"));
        }
        let bytes = URL_SAFE_NO_PAD.decode(challenge).unwrap_or_default();
        if bytes.len() != 32 {
            return Err(OauthError::invalid_request("code_challenge is no base64url SHA-256"));
        }
        Ok(Self(challenge.to_owned()))
    }

    /// The challenge as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `text` can be a verifier at all (RFC 7636 §4.1).
    pub fn is_verifier(text: &str) -> bool {
        let unreserved = |c: u8| c.is_ascii_alphanumeric() || b"-._~".contains(&c);
        (43..=128).contains(&text.len()) && text.bytes().all(unreserved)
    }
}
