//! Comparing a client secret with what is stored of it.

use aws_lc_rs::constant_time::verify_slices_are_equal;

use crate::{
    domain::{Client, Timestamp},
    keys::sha256,
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
        good |= verify_slices_are_equal(&digest, &known.digest).is_ok() && counts;
    }
    if good { Ok(()) } else { Err(OauthError::invalid_client().because("wrong secret")) }
}
