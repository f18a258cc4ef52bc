//! Whether an access token is good, here and now; and whose a refresh token is.

use std::sync::Arc;

use super::{Cx, RefreshToken};
use crate::{
    changes::Subjects,
    domain::{Client, TokenFamily, limits},
    protocol::{AccessTokenClaims, OauthError},
};

/// The claims of a good access token of this tenant (RFC 9068 §4).
///
/// # Errors
/// `invalid_token`, or `temporarily_unavailable` where it cannot be said whether it was revoked.
pub async fn verify_access_token(
    cx: &Cx<'_>,
    token: &str,
) -> Result<AccessTokenClaims, OauthError> {
    let keys = cx.app.keys.of(cx.tenant).await?;
    let refused = |why: &'static str| OauthError::invalid_token().because(why);
    let verified = cx.app.keys.verify_access_token(cx.tenant.id, &keys, token);
    let claims = verified.map_err(|why| refused(why.0))?;
    if claims.iss != cx.app.issuer(cx.tenant) {
        return Err(refused("another issuer"));
    }
    if cx.now.secs() >= claims.exp {
        return Err(refused("expired"));
    }
    if claims.iat > cx.now.secs() + limits::CLOCK_SKEW {
        return Err(refused("issued in the future"));
    }
    if cx.app.revocations.refuses(cx.tenant, &Subjects::of(&claims)).await? {
        return Err(refused("revoked"));
    }
    Ok(Arc::unwrap_or_clone(claims))
}

/// The family of a refresh token that `client` presents, where there is one.
///
/// # Errors
/// `invalid_grant` for another client's token.
pub(super) async fn find_own_family(
    cx: &Cx<'_>,
    client: &Client,
    token: RefreshToken,
) -> Result<Option<TokenFamily>, OauthError> {
    let mut unit = cx.app.storage.read(&**cx.tenant).await?;
    let family = unit.tenant(cx.tenant).find_family(token.family).await?;
    if family.as_ref().is_some_and(|family| family.client_id != client.client_id) {
        return Err(OauthError::invalid_grant().because("another client's token"));
    }
    Ok(family)
}
