//! `client_secret_post` (RFC 6749 §2.3.1).

use super::Claim;
use crate::protocol::Params;

/// Reads `client_id` and `client_secret` from the body.
pub(super) fn read(params: &Params) -> Option<Claim> {
    let secret = params.find("client_secret")?.to_owned();
    let client_id = params.find("client_id").unwrap_or_default().to_owned();
    Some(Claim::Post { client_id, secret })
}
