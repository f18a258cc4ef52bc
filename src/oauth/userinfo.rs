//! The claims that the UserInfo endpoint answers (OpenID Connect Core §5.3).

use serde_json::{Map, Value};

use super::{Cx, verify_access_token};
use crate::{
    domain::UserId,
    protocol::{ErrorCode, OauthError, Scope},
};

/// The claims about the user that the bearer's scope opens.
///
/// # Errors
/// `invalid_token`; `insufficient_scope` without `openid`.
pub async fn userinfo(cx: &Cx<'_>, bearer: &str) -> Result<Value, OauthError> {
    let claims = verify_access_token(cx, bearer).await?;
    if !claims.scope.contains(Scope::OPENID) {
        return Err(OauthError::new(ErrorCode::InsufficientScope, "scope openid is needed"));
    }
    if !claims.aud.contains(&claims.iss) {
        return Err(OauthError::invalid_token().because("a token for another audience"));
    }
    let gone = || OauthError::invalid_token().because("user gone or disabled");
    let id: UserId = claims.sub.parse().map_err(|_| gone())?;
    let user = cx.app.storage.read(&**cx.tenant).await?.tenant(cx.tenant).find_user(id).await?;
    let user = user.filter(|user| user.is_active()).ok_or_else(gone)?;
    let mut out = Map::new();
    out.insert("sub".into(), claims.sub.into());
    if claims.scope.contains("profile") {
        out.insert("preferred_username".into(), user.username.into());
        out.extend(user.name.map(|name| ("name".to_owned(), name.into())));
    }
    if let Some(email) = user.email.filter(|_| claims.scope.contains("email")) {
        out.insert("email".into(), email.into());
        out.insert("email_verified".into(), user.email_verified.into());
    }
    Ok(Value::Object(out))
}
