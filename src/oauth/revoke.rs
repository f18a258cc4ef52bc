//! Token revocation by the client itself (RFC 7009).

use std::sync::Arc;

use super::{
    Cx, RefreshToken,
    client_auth::{self, Presented},
    verify::find_own_family,
    verify_access_token,
};
use crate::{
    domain::{Actor, Client, EndReason, Event},
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
    let result = match RefreshToken::open(token, &cx.app.keys, cx.tenant.id) {
        Some(refresh) => revoke_refresh(cx, &client, refresh).await,
        None => revoke_access(cx, &client, token).await,
    };
    if let Err(error) = &result {
        let why = error.reason.clone().unwrap_or(error.code.as_str().into());
        cx.refused(&Actor::Client(client.client_id.clone()), Event::RevokeRefused { why });
    }
    result
}

async fn revoke_refresh(
    cx: &Cx<'_>,
    client: &Client,
    token: RefreshToken,
) -> Result<(), OauthError> {
    let Some(family) = find_own_family(cx, client, token).await? else { return Ok(()) };
    if !family.is_live(cx.now) {
        return Ok(());
    }
    let event = Event::TokenRevoked { token: family.id.to_string(), by: "refresh_token" };
    end(cx, client, EndOne::Grant(family.id), event).await
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
    end(cx, client, what, Event::TokenRevoked { token: claims.jti, by: "access_token" }).await
}

async fn end(cx: &Cx<'_>, client: &Client, what: EndOne, event: Event) -> Result<(), OauthError> {
    let actor = Actor::Client(client.client_id.clone());
    let (tenant, occurrence) = (Arc::clone(cx.tenant), cx.occurrence(&actor, event));
    cx.app
        .storage
        .end_one(EndRequest { tenant, what, reason: EndReason::Revoked, occurrence, now: cx.now })
        .await?;
    Ok(())
}
