//! The claims that the UserInfo endpoint answers (OpenID Connect Core §5.3).

use serde::Serialize;

use super::{Cx, claims, verify_access_token};
use crate::{
    domain::UserId,
    protocol::{ErrorCode, OauthError, Scope, UserClaims},
};

/// What the UserInfo endpoint answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserInfo {
    sub: String,
    #[serde(flatten)]
    user: UserClaims,
}

/// The claims about the user that the bearer's scope opens.
///
/// # Errors
/// `invalid_token`; `insufficient_scope` without `openid`.
pub async fn userinfo(cx: &Cx<'_>, token: &str) -> Result<UserInfo, OauthError> {
    let bearer = verify_access_token(cx, token).await?;
    if !bearer.scope.contains(Scope::OPENID) {
        return Err(OauthError::new(ErrorCode::InsufficientScope, "scope openid is needed"));
    }
    if !bearer.aud.contains(&bearer.iss) {
        return Err(OauthError::invalid_token().because("a token for another audience"));
    }
    let gone = || OauthError::invalid_token().because("user gone or disabled");
    let id: UserId = bearer.sub.parse().map_err(|_| gone())?;
    let user = cx.app.storage.read(&**cx.tenant).await?.tenant(cx.tenant).find_user(id).await?;
    let user = user.filter(|user| user.is_active()).ok_or_else(gone)?;
    Ok(UserInfo {
        user: claims::of_user(&user, |name| bearer.scope.contains(name)),
        sub: bearer.sub,
    })
}
