//! Comparing a client secret with what is stored of it.

use crate::{
    domain::{Client, Timestamp},
    keys::{same_secret, sha256},
    protocol::OauthError,
};

/// Checks `secret` against each of the client's secrets that still counts.
///
/// # Errors
/// `invalid_client`.
pub(super) fn check(client: &Client, secret: &str, now: Timestamp) -> Result<(), OauthError> {
    let digest = sha256(secret.as_bytes());
    let mut good = false;
    // All of them, found or not: the time tells nothing about which one it was.
    for known in &client.secrets {
        let counts = known.expires_at.is_none_or(|at| now < at);
        good |= same_secret(&digest, &known.digest) && counts;
    }
    if good { Ok(()) } else { Err(OauthError::invalid_client().because("wrong secret")) }
}
