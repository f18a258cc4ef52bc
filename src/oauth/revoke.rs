//! Token revocation by the client itself (RFC 7009).

use std::sync::Arc;

use super::{
    Cx, RefreshToken,
    client_auth::{self, Presented},
    verify_access_token,
};
use crate::{
    domain::{Actor, Client, EndReason},
    protocol::{ErrorCode, OauthError},
    storage::{EndOne, EndRequest},
};

/// Revokes a token of the client: a refresh token takes its family and the grant's access
/// tokens with it, an access token goes alone (RFC 7009 §2.1).
///
/// # Errors
/// `invalid_client`; `invalid_grant` for another client's token. A token that is unknown or
/// no longer good is no error (RFC 7009 §2.2).
pub async fn revoke(cx: &Cx<'_>, presented: Presented<'_>) -> Result<(), OauthError> {
    let token = presented.params.required("token")?;
    let client = client_auth::authenticate(cx, presented).await?;
    let result = match RefreshToken::open(token, cx.app.keys.master(), cx.tenant.id) {
        Some(refresh) => revoke_refresh(cx, &client, refresh).await,
        None => revoke_access(cx, &client, token).await,
    };
    if let Err(error) = &result {
        let reason = error.reason.unwrap_or(error.code.as_str());
        cx.refused(&Actor::Client(client.client_id.clone()), "revoke.refused", "token", reason);
    }
    result
}

async fn revoke_refresh(cx: &Cx<'_>, client: &Client, token: RefreshToken) -> Result<(), OauthError> {
    let family = cx.app.storage.read(&**cx.tenant).await?.tenant(cx.tenant).find_family(token.family).await?;
    let Some(family) = family else { return Ok(()) };
    if family.client_id != client.client_id {
        return Err(OauthError::invalid_grant().because("another client's token"));
    }
    if !family.is_live(cx.now) {
        return Ok(());
    }
    let target = family.id.to_string();
    end(cx, client, EndOne::Grant(family.id), &target, "refresh_token").await
}

async fn revoke_access(cx: &Cx<'_>, client: &Client, token: &str) -> Result<(), OauthError> {
    let claims = match verify_access_token(cx, token).await {
        Ok(claims) => claims,
        Err(error) if error.code == ErrorCode::InvalidToken => return Ok(()),
        Err(error) => return Err(error),
    };
    if claims.client_id != client.client_id {
        return Err(OauthError::invalid_grant().because("another client's token"));
    }
    // Every node remembers a revoked token as long as it lives, so nobody may revoke without end.
    let whose = (cx.tenant.id, &client.client_id, &claims.sub);
    let _counts = cx.app.revoking.enter(whose).map_err(|wait| {
        let mut error = OauthError::unavailable().because("too many revocations");
        error.retry_after = Some(wait);
        error
    })?;
    let what = EndOne::Token(claims.jti.clone(), Some(claims.exp - cx.now.secs()));
    end(cx, client, what, &claims.jti, "access_token").await
}

async fn end(cx: &Cx<'_>, client: &Client, what: EndOne, target: &str, kind: &str) -> Result<(), OauthError> {
    let actor = Actor::Client(client.client_id.clone());
    let audit = cx.app.audit.event(cx.tenant, &actor, "token.revoked", target, kind, cx.origin);
    let tenant = Arc::clone(cx.tenant);
    cx.app.storage.end_one(EndRequest { tenant, what, reason: EndReason::Revoked, audit, now: cx.now }).await?;
    Ok(())
}
