//! Refreshing (RFC 6749 §6), with rotation and detection of reuse (RFC 9700 §4.14.2).

use std::sync::Arc;

use super::{Exchange, Grant};
use crate::{
    domain::{Actor, Client, EndReason, Event, GrantType},
    oauth::{
        Cx, RefreshToken, client_auth::Authenticated, decided::Decided, engine, issue, resource,
        subject::Subject, verify::find_own_family,
    },
    protocol::{OauthError, TokenResponse},
    storage::{Rotated, Rotation, RotationRequest},
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
        let presented =
            RefreshToken::open(params.required("refresh_token")?, &cx.app.keys, cx.tenant.id)
                .ok_or_else(|| {
                    OauthError::invalid_grant().because("no refresh token of this tenant")
                })?;
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
    client: &Authenticated,
    presented: RefreshToken,
    asked: &Asked<'_>,
) -> Result<TokenResponse, OauthError> {
    // What may be refused without harm is refused before the token is used up.
    let decided = match asked {
        Asked { scope: None, resource: [] } => None,
        _ => Some(decide(cx, client, presented, asked).await?),
    };
    // And what may fail is done before: once the rotation has been committed, it is answered.
    let keys = cx.app.keys.of(cx.tenant).await?;
    let request = RotationRequest {
        tenant: Arc::clone(cx.tenant),
        family: presented.family,
        presented: presented.generation,
        client_id: client.client_id.clone(),
        is_confidential: client.is_confidential(),
        proven_by: client.proven_by(),
        is_owed: false,
        now: cx.now,
    };
    let rotation = match cx.app.storage.rotate_family(request.clone()).await? {
        // What found it out has changed nothing. It is found out once more, and ended, in one.
        Rotation::Reused => end_reused(cx, request).await?,
        other => other,
    };
    let Rotated { family, session, user, known } = granted(rotation)?;
    let (scope, resources) =
        decided.unwrap_or_else(|| (family.scope.clone(), family.resource.clone()));
    // A client whose registration was narrowed gets no more than it is registered for.
    let scope = scope.filter(|token| client.metadata.scope.contains(token));
    let (session, grant, authentication) = (session.id, family.id, &family.authentication);
    let subject = Subject::User { user: &user, session, grant, authentication };
    let generation = Some(family.generation);
    let decided = Decided {
        known,
        scope,
        resource: &resources,
        generation,
        ..Decided::of(cx, client, subject)
    };
    issue::issue(cx, &keys, decided)
}

/// What was rotated; why nothing was, where it was not.
fn granted(rotation: Rotation) -> Result<Rotated, OauthError> {
    let (refused, why) = match rotation {
        Rotation::Granted(rotated) => return Ok(*rotated),
        Rotation::Reused => (OauthError::invalid_grant(), "refresh token reused"),
        Rotation::Refused(why) => (OauthError::invalid_grant(), why),
        Rotation::Overtaken => {
            (OauthError::unavailable(), "the client was ended since it proved who it is")
        }
    };
    Err(refused.because(why))
}

async fn decide(
    cx: &Cx<'_>,
    client: &Client,
    presented: RefreshToken,
    asked: &Asked<'_>,
) -> Result<(crate::protocol::Scope, Vec<String>), OauthError> {
    let family = find_own_family(cx, client, presented).await?;
    let family = family.ok_or_else(|| OauthError::invalid_grant().because("unknown family"))?;
    let owner = family.user_id.to_string();
    let scope = engine::narrow_refresh(asked.scope, &family.scope, &owner, &client.client_id)?;
    let resources = resource::narrowed(cx.tenant, asked.resource, &family.resource, &scope)?;
    Ok((scope, resources))
}

/// Ends the family of a token that was used again, in the transaction that finds it so.
async fn end_reused(cx: &Cx<'_>, request: RotationRequest) -> Result<Rotation, OauthError> {
    let mut unit = cx.app.storage.write(&**cx.tenant).await?;
    let mut store = unit.tenant(cx.tenant);
    let rotation = store.rotate(&request).await?;
    if rotation == Rotation::Reused {
        let actor = Actor::Client(request.client_id);
        let occurrence = cx.occurrence(&actor, Event::RefreshReuse { family: request.family });
        let _ = store.end_family(request.family, EndReason::Reuse, cx.now).await?;
        store.tell(&occurrence);
    }
    unit.commit().await?;
    Ok(rotation)
}
