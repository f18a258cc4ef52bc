//! Resource owner password credentials (RFC 6749 §4.3): for first-party apps that name it.

use secrecy::SecretString;

use super::{Exchange, Grant};
use crate::{
    domain::{Actor, Client, FamilyId, GrantType, Session, SessionId, SessionKind, User},
    installation::SignInRefused,
    oauth::{
        Cx, engine,
        issue::{self, UserGrant},
        resource,
    },
    protocol::{OauthError, TokenResponse},
};

pub(super) struct PasswordGrant;

#[async_trait::async_trait]
impl Grant for PasswordGrant {
    fn grant_type(&self) -> GrantType {
        GrantType::Password
    }

    async fn exchange(&self, exchange: &Exchange<'_>) -> Result<TokenResponse, OauthError> {
        let Exchange { cx, client, params, sign_in } = exchange;
        let username = params.required("username")?;
        let password = SecretString::from(params.required("password")?);
        let default = resource::default_scope(client, true);
        let scope = engine::narrow(params.find("scope"), &client.metadata.scope, &default)?;
        let resources = resource::requested(cx.tenant, params.resources())?;
        let user = sign_in.check(cx.tenant, username, &password, cx.origin).await.map_err(refusal)?;
        grant_to(cx, client, &user, SessionKind::Password, scope, &resources).await
    }
}

pub(in crate::oauth) fn refusal(refused: SignInRefused) -> OauthError {
    let retry = |mut error: OauthError, after| {
        error.retry_after = Some(after);
        error
    };
    match refused {
        SignInRefused::Credentials => OauthError::invalid_grant().because("credentials refused"),
        SignInRefused::Throttled(after) => retry(OauthError::invalid_grant().because("throttled"), after),
        SignInRefused::Busy(after) => retry(OauthError::unavailable().because("busy hashing"), after),
        SignInRefused::Away => OauthError::unavailable(),
    }
}

/// Starts a session for a user who has just given their password, and grants the client tokens in it.
pub(in crate::oauth) async fn grant_to(
    cx: &Cx<'_>,
    client: &Client,
    user: &User,
    kind: SessionKind,
    scope: crate::protocol::Scope,
    resources: &[String],
) -> Result<TokenResponse, OauthError> {
    let scope = resource::permitted(user, &scope);
    let session = Session {
        tenant_id: cx.tenant.id,
        id: SessionId::new(&cx.app.effects),
        user_id: user.id,
        kind,
        cookie_digest: None,
        auth_time: cx.now,
        amr: vec!["pwd".to_owned()],
        ip: cx.origin.ip.clone(),
        user_agent: cx.origin.user_agent.clone(),
        created_at: cx.now,
        last_seen_at: cx.now,
        expires_at: cx.now.plus(cx.tenant.settings.session_max_ttl),
        ended_at: None,
        end_reason: None,
    };
    let grant_id = FamilyId::new(&cx.app.effects);
    let refreshes = client.allows(GrantType::RefreshToken);
    let grant = UserGrant {
        client,
        user,
        session: &session,
        grant_id,
        scope: scope.clone(),
        resource: resources,
        nonce: None,
        generation: refreshes.then_some(0),
    };
    let response = issue::for_user(cx, grant).await?;
    let actor = Actor::User(user.id.to_string());
    let event = cx.app.audit.event(
        cx.tenant,
        &actor,
        "session.started",
        &session.id.to_string(),
        client.client_id.as_str(),
        cx.origin,
    );
    let mut unit = cx.app.storage.write().await?;
    let mut store = unit.tenant(cx.tenant);
    // The user may have been disabled while the password was being hashed.
    if !store.find_user(user.id).await?.is_some_and(|user| user.is_active()) {
        return Err(OauthError::invalid_grant().because("user disabled"));
    }
    store.insert_session(&session).await?;
    if refreshes {
        let lives = (session.id, session.expires_at);
        let family = issue::new_family(cx, grant_id, lives, user, client, &scope, resources);
        store.insert_family(&family).await?;
    }
    store.insert_audit(&event).await?;
    unit.commit().await?;
    Ok(response)
}
