//! Sessions: who is signed in, and ending it.

use super::{Admin, AdminError, Ending, Listed, Permit, SessionView, limited};
use crate::{
    admin::Authority,
    domain::{Change, EndReason, FieldError, SessionId, TenantSettings},
    keys::{RefreshToken, TokenType},
    protocol::AccessTokenClaims,
    revocation::{Effectiveness, FRESH},
    storage::{Selection, SessionFilter},
};

/// Sessions, the newest first.
///
/// # Errors
/// [`AdminError`].
pub async fn list_sessions(
    admin: &Admin<'_>,
    permit: &Permit,
    filter: &SessionFilter,
    limit: Option<i64>,
) -> Result<Listed<SessionView>, AdminError> {
    let now = admin.app.effects.now();
    let mut unit = admin.app.storage.read().await?;
    let mut store = unit.tenant(permit.tenant());
    let page = store.list_sessions(filter, now, limited(limit)).await?;
    // Three queries a page, however long it is.
    let users: Vec<_> = page.items.iter().map(|session| session.user_id).collect();
    let sessions: Vec<_> = page.items.iter().map(|session| session.id).collect();
    let (names, mut clients) = (store.usernames(&users).await?, store.clients_of(&sessions).await?);
    let items = page.items.into_iter().map(|session| {
        let username = names.get(&session.user_id.to_string()).cloned().unwrap_or_default();
        let clients = clients.remove(&session.id.to_string()).unwrap_or_default();
        SessionView::of(session, username, clients, now)
    });
    Ok(Listed { items: items.collect(), next: page.next })
}

/// One session, with its clients and token families.
///
/// # Errors
/// [`AdminError::NotFound`].
pub async fn show_session(admin: &Admin<'_>, permit: &Permit, id: &str) -> Result<SessionView, AdminError> {
    let id: SessionId = id.parse().map_err(|_| AdminError::NotFound)?;
    let now = admin.app.effects.now();
    let mut unit = admin.app.storage.read().await?;
    let mut store = unit.tenant(permit.tenant());
    let session = store.find_session(id).await?.ok_or(AdminError::NotFound)?;
    let username = store.find_user(session.user_id).await?.map(|user| user.username).unwrap_or_default();
    let families = store.list_families(id).await?;
    let mut clients: Vec<String> = families.iter().map(|family| family.client_id.clone()).collect();
    clients.sort();
    clients.dedup();
    Ok(SessionView::of(session, username, clients, now).with_families(families, now))
}

/// Live sessions are counted up to here: counting a million of them would make the page slow.
pub const MOST_COUNTED: usize = 10_000;

/// How many sessions and families are live, up to [`MOST_COUNTED`] each.
///
/// # Errors
/// [`AdminError`].
pub async fn count_active(admin: &Admin<'_>, permit: &Permit) -> Result<crate::storage::Ended, AdminError> {
    let mut unit = admin.app.storage.read().await?;
    let most = i64::try_from(MOST_COUNTED).unwrap_or(i64::MAX);
    Ok(unit.tenant(permit.tenant()).count_live(admin.app.effects.now(), most).await?)
}

/// Ends what `selection` reaches, or tells what that would be.
///
/// When it answers, this node refuses every token it speaks of; every other node does so
/// within [`FRESH`], whatever fails.
///
/// # Errors
/// [`AdminError::NotFound`] where the session, user or client does not exist.
pub async fn end_sessions(
    admin: &Admin<'_>,
    permit: &Permit,
    selection: &Selection,
    dry_run: bool,
) -> Result<Ending, AdminError> {
    let (tenant, now) = (permit.tenant(), admin.app.effects.now());
    if !exists(admin, permit, selection).await? {
        return Err(AdminError::NotFound);
    }
    if dry_run {
        let reached = admin.app.storage.read().await?.tenant(tenant).count_reached(selection, now).await?;
        return Ok(Ending {
            dry_run,
            sessions: reached.sessions,
            families: reached.families,
            event: None,
            effective_here_at: None,
            effective_everywhere_by: None,
        });
    }
    let target = match selection {
        Selection::Session(id) => format!("session:{id}"),
        Selection::User(id) => format!("user:{id}"),
        Selection::Client(id) => format!("client:{id}"),
        Selection::Tenant => format!("tenant:{}", tenant.slug),
    };
    let mut unit = admin.app.storage.write().await?;
    let mut store = unit.tenant(tenant);
    let ended = store.end_sessions(selection, EndReason::Forced, now).await?;
    let reason = format!("{} sessions, {} families", ended.sessions, ended.families);
    let event = permit.event(admin.app, "session.forced_logout", &target, &reason);
    store.insert_audit(&event).await?;
    let events = unit.commit().await?;
    let event = events.iter().find(|event| matches!(event.change, Change::Cutoff(_))).map(|event| event.seq);
    let bound = i64::try_from(FRESH.as_secs()).unwrap_or_default();
    Ok(Ending {
        dry_run,
        sessions: ended.sessions,
        families: ended.families,
        event,
        effective_here_at: Some(now),
        effective_everywhere_by: Some(admin.app.effects.now().plus(bound)),
    })
}

async fn exists(admin: &Admin<'_>, permit: &Permit, selection: &Selection) -> Result<bool, AdminError> {
    let mut unit = admin.app.storage.read().await?;
    let mut store = unit.tenant(permit.tenant());
    Ok(match selection {
        Selection::Session(id) => store.find_session(*id).await?.is_some(),
        Selection::User(id) => store.find_user(*id).await?.is_some(),
        Selection::Client(id) => store.find_client(id).await?.is_some(),
        Selection::Tenant => true,
    })
}

/// Ends what a token stands for: the family of a refresh token, or one access token.
///
/// # Errors
/// [`AdminError::Invalid`] for a text that is no token of this tenant.
pub async fn revoke_token(admin: &Admin<'_>, permit: &Permit, token: &str) -> Result<(), AdminError> {
    let (tenant, now) = (permit.tenant(), admin.app.effects.now());
    if let Some(refresh) = RefreshToken::open(token, admin.app.keys.master(), tenant.id) {
        let event = permit.event(admin.app, "token.revoked", &refresh.family.to_string(), "by an administrator");
        let mut unit = admin.app.storage.write().await?;
        let mut store = unit.tenant(tenant);
        store.end_family(refresh.family, EndReason::Forced, now).await?;
        store.insert_audit(&event).await?;
        unit.commit().await?;
        return Ok(());
    }
    let keys = admin.app.keys.of(tenant).await?;
    let claims: AccessTokenClaims = keys
        .verify(TokenType::Access, token)
        .map_err(|_| FieldError::new("token", "no access or refresh token of this tenant"))?;
    revoke_jti(admin, permit, &claims.jti).await
}

/// Refuses one access token from now on.
///
/// # Errors
/// [`AdminError`].
pub async fn revoke_jti(admin: &Admin<'_>, permit: &Permit, jti: &str) -> Result<(), AdminError> {
    let (tenant, now) = (permit.tenant(), admin.app.effects.now());
    let event = permit.event(admin.app, "token.revoked", jti, "by an administrator");
    let mut unit = admin.app.storage.write().await?;
    let mut store = unit.tenant(tenant);
    store.revoke_token(jti, now, TenantSettings::MOST_ACCESS_TOKEN_TTL).await?;
    store.insert_audit(&event).await?;
    unit.commit().await?;
    Ok(())
}

/// Where a forced logout has been applied by now.
///
/// # Errors
/// [`AdminError`].
pub async fn where_effective(admin: &Admin<'_>, _: &Authority, event: i64) -> Result<Effectiveness, AdminError> {
    Ok(admin.app.revocations.effectiveness(event).await?)
}
