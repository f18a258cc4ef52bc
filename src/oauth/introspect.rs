//! Token introspection (RFC 7662).

use super::{
    Cx, RefreshToken,
    client_auth::{self, Presented},
    confirmation::Confirmation,
    verify_access_token,
};
use crate::{
    domain::{Client, FamilyStanding},
    protocol::{Audience, ErrorCode, IntrospectionResponse, OauthError},
};

/// Tells an authenticated client whether a token is good.
///
/// # Errors
/// `invalid_client`; `temporarily_unavailable` where it cannot be said: never "active".
pub async fn introspect(
    cx: &Cx<'_>,
    presented: Presented<'_>,
) -> Result<IntrospectionResponse, OauthError> {
    let token = presented.params.required("token")?;
    let client = client_auth::authenticate(cx, presented).await?;
    if !client.is_confidential() {
        return Err(OauthError::invalid_client().because("a public client may not introspect"));
    }
    // The hint is a hint (RFC 7662 §2.1): the token itself tells its kind.
    match RefreshToken::open(token, &cx.app.keys, cx.tenant.id) {
        Some(refresh) => introspect_refresh(cx, &client, refresh).await,
        None => introspect_access(cx, token).await,
    }
}

async fn introspect_access(cx: &Cx<'_>, token: &str) -> Result<IntrospectionResponse, OauthError> {
    let claims = match verify_access_token(cx, token).await {
        Ok(claims) => claims,
        Err(error) if error.code == ErrorCode::InvalidToken => {
            return Ok(IntrospectionResponse::inactive());
        }
        Err(error) => return Err(error),
    };
    Ok(IntrospectionResponse {
        active: true,
        scope: Some(claims.scope),
        client_id: Some(claims.client_id),
        username: None,
        token_type: Some(Confirmation::Bearer.token_type()),
        exp: Some(claims.exp),
        iat: Some(claims.iat),
        sub: Some(claims.sub),
        aud: Some(claims.aud),
        iss: Some(claims.iss),
        jti: Some(claims.jti),
        sid: claims.sid,
        auth_time: claims.auth_time,
    })
}

/// A refresh token is nobody's business but its own client's.
async fn introspect_refresh(
    cx: &Cx<'_>,
    client: &Client,
    token: RefreshToken,
) -> Result<IntrospectionResponse, OauthError> {
    let mut unit = cx.app.storage.read(&**cx.tenant).await?;
    let found = unit.tenant(cx.tenant).family_standing(token.family).await?;
    let Some(FamilyStanding { family, session, standing, .. }) = found else {
        return Ok(IntrospectionResponse::inactive());
    };
    let is_good = family.client_id == client.client_id
        && family.generation == token.generation
        && family.is_live(cx.now)
        && standing.grant_refusal(&session, family.born_seq, cx.now).is_none();
    if !is_good {
        return Ok(IntrospectionResponse::inactive());
    }
    let issuer = cx.app.issuer(cx.tenant);
    Ok(IntrospectionResponse {
        active: true,
        scope: Some(family.scope),
        client_id: Some(family.client_id),
        token_type: Some("refresh_token"),
        exp: Some(family.expires_at.min(session.expires_at).secs()),
        iat: Some(family.rotated_at.unwrap_or(family.created_at).secs()),
        sub: Some(family.user_id.to_string()),
        aud: Some(Audience::One(issuer.clone())),
        iss: Some(issuer),
        sid: Some(family.session_id.to_string()),
        auth_time: Some(family.authentication.at.secs()),
        ..IntrospectionResponse::default()
    })
}
