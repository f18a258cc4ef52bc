//! `id_token_hint`: whom a request means (OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2).

use super::Cx;
use crate::{
    keys::TokenType,
    protocol::{IdTokenClaims, OauthError},
};

/// An ID token that a client hands back, expired or not.
pub(super) struct Hint {
    /// What it says.
    pub(super) claims: IdTokenClaims,
    /// Whether it is shown to be ours. Where its key is gone that can no longer be said: then it may
    /// narrow what is done, and allows nothing.
    pub(super) is_proven: bool,
}

/// Reads an ID token of this tenant.
///
/// # Errors
/// `invalid_request` for anything else.
pub(super) async fn read_hint(cx: &Cx<'_>, token: &str) -> Result<Hint, OauthError> {
    let keys = cx.app.keys.of(cx.tenant).await?;
    let wrong = || OauthError::invalid_request("id_token_hint is no ID token of this server");
    let hint = match keys.verify(TokenType::Id, token) {
        Ok(claims) => Hint { claims, is_proven: true },
        Err(_) => Hint {
            claims: keys.unproven(TokenType::Id, token).ok_or_else(wrong)?,
            is_proven: false,
        },
    };
    if hint.claims.iss == cx.app.issuer(cx.tenant) { Ok(hint) } else { Err(wrong()) }
}
