//! The first-party JSON sign-in: a product's own app posts name and password itself.
//!
//! The user is always taken from the token, never from the body.

use std::sync::Arc;

use secrecy::SecretString;
use serde::Serialize;

use super::{
    Cx, RefreshToken,
    client_auth::Authenticated,
    grants::{Asked, grant_first_party, rotate, sign_in_refusal},
    resource, verify_access_token,
};
use crate::{
    domain::{Actor, EndReason, GrantType, SessionId, SessionKind, UserId},
    installation::SignIn,
    protocol::{OauthError, TokenResponse},
    storage::{EndOne, EndRequest},
};

/// Signs a user in and grants the client tokens.
///
/// # Errors
/// `invalid_grant`: name, password or client are no good, all with one text.
pub async fn login(
    cx: &Cx<'_>,
    client_id: &str,
    username: &str,
    password: &SecretString,
    sign_in: &dyn SignIn,
) -> Result<TokenResponse, OauthError> {
    let client = cx.app.directory.known(cx.tenant, client_id).await?.map(Authenticated);
    let client = client.filter(|client| client.allows(GrantType::Password));
    let Some(client) = client else {
        cx.refused(&Actor::Client(client_id.to_owned()), "login.refused", client_id, "client may not sign users in");
        return Err(OauthError::invalid_grant().because("client may not sign users in"));
    };
    let user = sign_in.check(cx.tenant, username, password, cx.origin).await.map_err(sign_in_refusal)?;
    let scope = resource::default_scope(&client, true);
    grant_first_party(cx, &client, &user, SessionKind::FirstParty, scope, &[]).await
}

/// Rotates the refresh token that is the request's bearer.
///
/// A confidential client's token is refused here: it is bound to a proof that this address
/// does not ask for. It must go to the token endpoint.
///
/// # Errors
/// `invalid_grant`.
pub async fn refresh(cx: &Cx<'_>, bearer: &str) -> Result<TokenResponse, OauthError> {
    let result = refresh_checked(cx, bearer).await;
    if let Err(error) = &result {
        cx.refused(&Actor::Anonymous, "token.refused", "refresh_token", error.reason.unwrap_or(error.code.as_str()));
    }
    result
}

async fn refresh_checked(cx: &Cx<'_>, bearer: &str) -> Result<TokenResponse, OauthError> {
    let refused = |why| OauthError::invalid_grant().because(why);
    let presented = RefreshToken::open(bearer, cx.app.keys.master(), cx.tenant.id)
        .ok_or_else(|| refused("no refresh token of this tenant"))?;
    let mut unit = cx.app.storage.read(&**cx.tenant).await?;
    let mut store = unit.tenant(cx.tenant);
    let family = store.find_family(presented.family).await?.ok_or_else(|| refused("unknown family"))?;
    let session = store.find_session(family.session_id).await?;
    drop(unit);
    let client = cx.app.directory.known(cx.tenant, &family.client_id).await?.map(Authenticated);
    let client = client.ok_or_else(|| refused("client gone"))?;
    let first_party = session.is_some_and(|session| session.kind == SessionKind::FirstParty);
    if !first_party && client.is_confidential() {
        return Err(refused("a confidential client's token"));
    }
    rotate(cx, &client, presented, &Asked::ALL).await
}

/// Ends the session that the bearer belongs to.
///
/// # Errors
/// `invalid_token`.
pub async fn logout(cx: &Cx<'_>, bearer: &str) -> Result<(), OauthError> {
    let claims = verify_access_token(cx, bearer).await?;
    let session = claims.sid.as_deref().and_then(|sid| sid.parse::<SessionId>().ok());
    let session = session.ok_or_else(|| OauthError::invalid_token().because("a token without a session"))?;
    end_own_session(cx, session, &claims.sub).await
}

/// Ends a session for its own user, and writes so.
pub(super) async fn end_own_session(cx: &Cx<'_>, session: SessionId, sub: &str) -> Result<(), OauthError> {
    let actor = Actor::User(sub.to_owned());
    let audit = cx.app.audit.event(cx.tenant, &actor, "session.ended", &session.to_string(), "logout", cx.origin);
    let (tenant, what) = (Arc::clone(cx.tenant), EndOne::Session(session));
    let request = EndRequest { tenant, what, reason: EndReason::Logout, audit, now: cx.now };
    cx.app.storage.end_one(request).await?;
    Ok(())
}

/// The claims of a token's subject, as their own app may see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Me {
    sub: String,
    client_id: String,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<Vec<&'static str>>,
}

/// Tells who the bearer speaks for.
///
/// # Errors
/// `invalid_token`.
pub async fn me(cx: &Cx<'_>, bearer: &str) -> Result<Me, OauthError> {
    let claims = verify_access_token(cx, bearer).await?;
    let user = match (&claims.sid, claims.sub.parse::<UserId>()) {
        (Some(_), Ok(id)) => {
            let user = cx.app.storage.read(&**cx.tenant).await?.tenant(cx.tenant).find_user(id).await?;
            let user = user.filter(|user| user.is_active());
            Some(user.ok_or_else(|| OauthError::invalid_token().because("user gone or disabled"))?)
        }
        _ => None,
    };
    let mut me = Me {
        sub: claims.sub,
        client_id: claims.client_id,
        scope: claims.scope.to_string(),
        sid: claims.sid,
        preferred_username: None,
        name: None,
        email: None,
        email_verified: None,
        roles: None,
    };
    if let Some(user) = user {
        me.email_verified = user.email.as_ref().map(|_| user.email_verified);
        me.preferred_username = Some(user.username);
        me.name = user.name;
        me.email = user.email;
        me.roles = Some(user.roles.iter().map(|role| role.as_str()).collect());
    }
    Ok(me)
}
