//! Resource owner password credentials (RFC 6749 §4.3): for first-party apps that name it.

use secrecy::SecretString;

use super::{Exchange, Grant};
use crate::{
    accounts::{Beginning, Identified, SignInRefused, begin_session},
    domain::{Actor, Event, FamilyId, GrantType, SessionKind, Standing, User},
    oauth::{
        Cx, client_auth::Authenticated, decided::Decided, engine, issue, resource, subject::Subject,
    },
    protocol::{OauthError, TokenResponse},
    storage::TenantStore,
};

pub(super) struct PasswordGrant;

#[async_trait::async_trait]
impl Grant for PasswordGrant {
    fn grant_type(&self) -> GrantType {
        GrantType::Password
    }

    async fn exchange(&self, exchange: &Exchange<'_>) -> Result<TokenResponse, OauthError> {
        let Exchange { cx, client, params, accounts } = exchange;
        let username = params.required("username")?;
        let password = SecretString::from(params.required("password")?);
        let default = resource::default_scope(client, true);
        let scope = engine::narrow(params.find("scope"), &client.metadata.scope, &default)?;
        let resources = resource::requested(cx.tenant, params.resources(), &scope)?;
        let identified = accounts.identify(cx.tenant, username, &password, cx.origin, cx.now).await;
        grant_to(
            cx,
            client,
            &identified.map_err(|refused| refusal(&refused))?,
            SessionKind::Password,
            scope,
            &resources,
        )
        .await
    }
}

pub(in crate::oauth) fn refusal(refused: &SignInRefused) -> OauthError {
    let retry = |mut error: OauthError, after| {
        error.retry_after = Some(after);
        error
    };
    match refused {
        SignInRefused::Credentials => OauthError::invalid_grant().because("credentials refused"),
        SignInRefused::Throttled(after) => {
            retry(OauthError::invalid_grant().because("throttled"), *after)
        }
        SignInRefused::Busy(after) => {
            retry(OauthError::unavailable().because("busy hashing"), *after)
        }
        SignInRefused::Away => OauthError::unavailable(),
    }
}

/// What the session rests on, where it still carries one.
async fn standing(
    store: &mut TenantStore<'_>,
    client: &Authenticated,
    user: &User,
) -> Result<Standing, OauthError> {
    let refused = |why| OauthError::invalid_grant().because(why);
    let found = store.user_standing(user.id, &client.client_id).await?;
    let standing = found.ok_or_else(|| refused("user gone"))?;
    if let Some(why) = standing.client_refusal() {
        return Err(refused(why));
    }
    client.still_counts(&standing)?;
    if standing.user.password_hash != user.password_hash {
        return Err(refused("the password was changed meanwhile"));
    }
    Ok(standing)
}

/// Starts a session for a user who has just given their password, and grants the client tokens in it.
///
/// Everything the session rests on is read in the transaction that begins it: the user may have
/// been disabled, or given another password, while this one was being hashed.
pub(in crate::oauth) async fn grant_to(
    cx: &Cx<'_>,
    client: &Authenticated,
    identified: &Identified,
    kind: SessionKind,
    scope: crate::protocol::Scope,
    resources: &[String],
) -> Result<TokenResponse, OauthError> {
    let Identified { user, authentication: by } = identified;
    let keys = cx.app.keys.of(cx.tenant).await?;
    let mut unit = cx.app.storage.write(&**cx.tenant).await?;
    let mut store = unit.tenant(cx.tenant);
    let standing = standing(&mut store, client, user).await?;
    let user = &standing.user;
    let scope = resource::permitted(user, &scope);
    let through = Beginning {
        at: cx.now,
        kind,
        client_id: Some(client.client_id.clone()),
        cookie_digest: None,
    };
    let session = begin_session(cx.app, cx.tenant, &standing, by, through, cx.origin);
    let grant = cx.app.effects.id::<FamilyId>();
    let refreshes = client.allows(GrantType::RefreshToken);
    store.insert_session(&session).await?;
    if refreshes {
        let family =
            issue::new_family(cx, grant, &session, by, &standing, client, &scope, resources);
        store.insert_family(&family).await?;
    }
    let event = Event::SessionStarted { session: session.id, via: client.client_id.clone() };
    store.tell(&cx.occurrence(&Actor::User(user.id.to_string()), event));
    unit.commit().await?;
    let subject = Subject::User { user, session: session.id, grant, authentication: by };
    let decided = Decided {
        known: standing.head,
        scope,
        resource: resources,
        generation: refreshes.then_some(0),
        ..Decided::of(cx, client, subject)
    };
    issue::issue(cx, &keys, decided)
}
