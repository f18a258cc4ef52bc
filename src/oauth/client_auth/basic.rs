//! `client_secret_basic` (RFC 6749 §2.3.1): form-encoded, then base64.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::Claim;
use crate::protocol::OauthError;

/// Reads an `Authorization` header.
///
/// # Errors
/// `invalid_client` where it is no well-formed Basic header.
pub(super) fn read(header: &str) -> Result<Claim, OauthError> {
    let wrong = || OauthError::invalid_client().because("malformed Authorization header");
    let (scheme, rest) = header.split_once(' ').ok_or_else(wrong)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(OauthError::invalid_client().because("another Authorization scheme"));
    }
    let bytes = STANDARD.decode(rest.trim()).map_err(|_| wrong())?;
    let text = String::from_utf8(bytes).map_err(|_| wrong())?;
    let (client_id, secret) = text.split_once(':').ok_or_else(wrong)?;
    Ok(Claim::Basic {
        client_id: decode(client_id).ok_or_else(wrong)?,
        secret: decode(secret).ok_or_else(wrong)?,
    })
}

/// Undoes `application/x-www-form-urlencoded` for one value.
fn decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced).decode_utf8().ok().map(|text| text.into_owned())
}
