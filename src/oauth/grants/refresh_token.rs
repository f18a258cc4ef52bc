//! Refreshing (RFC 6749 §6), with rotation and detection of reuse (RFC 9700 §4.14.2).

use super::{Exchange, Grant};
use crate::{
    domain::{Actor, Client, EndReason, GrantType, Session, TokenFamily, User},
    oauth::{
        Cx, RefreshToken, engine,
        issue::{self, UserGrant},
        resource,
    },
    protocol::{OauthError, TokenResponse},
    storage::{Rotation, RotationRequest},
};

pub(super) struct RefreshTokenGrant;

#[async_trait::async_trait]
impl Grant for RefreshTokenGrant {
    fn grant_type(&self) -> GrantType {
        GrantType::RefreshToken
    }

    /// Rotates a refresh token.
    ///
    /// # Errors
    /// `invalid_grant`: unknown, expired, reused or another client's. `invalid_scope`: wider than granted.
    async fn exchange(&self, exchange: &Exchange<'_>) -> Result<TokenResponse, OauthError> {
        let Exchange { cx, client, params, .. } = exchange;
        let presented = RefreshToken::open(params.required("refresh_token")?, cx.app.keys.master(), cx.tenant.id)
            .ok_or_else(|| OauthError::invalid_grant().because("no refresh token of this tenant"))?;
        let asked = Asked { scope: params.find("scope"), resource: params.resources() };
        rotate(cx, client, presented, &asked).await
    }
}

/// What a refresh asks for beyond the token itself.
pub(in crate::oauth) struct Asked<'a> {
    pub(in crate::oauth) scope: Option<&'a str>,
    pub(in crate::oauth) resource: &'a [String],
}

impl Asked<'_> {
    /// All that was granted.
    pub(in crate::oauth) const ALL: Self = Self { scope: None, resource: &[] };
}

/// Rotates `presented` for `client`, and answers with the successor.
pub(in crate::oauth) async fn rotate(
    cx: &Cx<'_>,
    client: &Client,
    presented: RefreshToken,
    asked: &Asked<'_>,
) -> Result<TokenResponse, OauthError> {
    // What may be refused without harm is refused before the token is used up.
    let decided = match asked {
        Asked { scope: None, resource: [] } => None,
        _ => Some(decide(cx, client, presented, asked).await?),
    };
    let request = RotationRequest {
        tenant: cx.tenant.clone(),
        family: presented.family,
        presented: presented.generation,
        client_id: client.client_id.clone(),
        now: cx.now,
    };
    let family = match cx.app.storage.rotate_family(request).await? {
        Rotation::Next(family) | Rotation::Retried(family) => family,
        Rotation::Reused(family) => {
            end_reused(cx, &family).await?;
            return Err(OauthError::invalid_grant().because("refresh token reused"));
        }
        Rotation::Refused(why) => return Err(OauthError::invalid_grant().because(why)),
    };
    // From here on nothing may refuse what was rotated but the end of session or user.
    let mut unit = cx.app.storage.read().await?;
    let mut store = unit.tenant(cx.tenant);
    let found = store.find_session_and_user(family.session_id).await?;
    drop(unit);
    let (session, user) = living(cx, found)?;
    let (scope, resources) = decided.unwrap_or_else(|| (family.scope.clone(), family.resource.clone()));
    // A client whose registration was narrowed gets no more than it is registered for.
    let scope = scope.filter(|token| client.metadata.scope.contains(token));
    let grant = UserGrant {
        client,
        user: &user,
        session: &session,
        grant_id: family.id,
        scope,
        resource: &resources,
        nonce: None,
        generation: Some(family.generation),
    };
    issue::for_user(cx, grant).await
}

async fn decide(
    cx: &Cx<'_>,
    client: &Client,
    presented: RefreshToken,
    asked: &Asked<'_>,
) -> Result<(crate::protocol::Scope, Vec<String>), OauthError> {
    let family = cx.app.storage.read().await?.tenant(cx.tenant).find_family(presented.family).await?;
    let family = family.ok_or_else(|| OauthError::invalid_grant().because("unknown family"))?;
    if family.client_id != client.client_id {
        return Err(OauthError::invalid_grant().because("another client's token"));
    }
    let owner = family.user_id.to_string();
    let scope = engine::narrow_refresh(asked.scope, &family.scope, &owner, &client.client_id)?;
    let resources = resource::narrowed(cx.tenant, asked.resource, &family.resource)?;
    Ok((scope, resources))
}

/// The session and its user, where both may still be granted something.
///
/// # Errors
/// `invalid_grant`.
pub(in crate::oauth) fn living(cx: &Cx<'_>, found: Option<(Session, User)>) -> Result<(Session, User), OauthError> {
    let refused = |why| OauthError::invalid_grant().because(why);
    match found {
        Some((session, _)) if !session.is_live(cx.now) => Err(refused("session ended")),
        Some((_, user)) if !user.is_active() => Err(refused("user disabled")),
        Some(both) => Ok(both),
        None => Err(refused("session ended")),
    }
}

async fn end_reused(cx: &Cx<'_>, family: &TokenFamily) -> Result<(), OauthError> {
    let actor = Actor::Client(family.client_id.clone());
    let target = family.id.to_string();
    let reason = "an older refresh token came again: its family and access tokens were ended";
    let event = cx.app.audit.event(cx.tenant, &actor, "refresh.reuse", &target, reason, cx.origin);
    let mut unit = cx.app.storage.write().await?;
    let mut store = unit.tenant(cx.tenant);
    store.end_family(family.id, EndReason::Reuse, cx.now).await?;
    store.insert_audit(&event).await?;
    unit.commit().await?;
    Ok(())
}
