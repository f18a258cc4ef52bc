//! Sessions: who is signed in, and ending it.

use std::{sync::Arc, time::Duration};

use super::{Action, Admin, AdminError, Ending, Listed, Permit, SessionView, Whom, limited};
use crate::{
    admin::Authority,
    changes::BOUND,
    domain::{
        self, Effectiveness, EndReason, Event, EventNumber, FieldError, Reached, Selection,
        SessionFilter, SessionId, Tenant, Timestamp, UserId,
    },
    keys::{RefreshToken, TokenType},
    protocol::AccessTokenClaims,
    storage::{EndOne, EndRequest},
};

/// Sessions, the newest first. A page may be short, or empty, and yet have another after it: where
/// few of many sessions are to be shown, no page takes long.
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
    let mut unit = admin.app.storage.read(permit.tenant()).await?;
    let mut store = unit.tenant(permit.tenant());
    let page = store.list_sessions(filter, now, limited(limit)).await?;
    let sessions: Vec<_> = page.items.iter().map(|listed| listed.session.id).collect();
    let mut clients = store.clients_of(&sessions).await?;
    let items = page.items.into_iter().map(|listed| {
        let clients = clients.remove(&listed.session.id).unwrap_or_default();
        SessionView::of(listed.session, listed.is_live, listed.username, clients)
    });
    Ok(Listed { items: items.collect(), next: page.next })
}

/// One session, with its clients and token families.
///
/// # Errors
/// [`AdminError::NotFound`].
pub async fn show_session(
    admin: &Admin<'_>,
    permit: &Permit,
    id: &str,
) -> Result<SessionView, AdminError> {
    let id: SessionId = id.parse().map_err(|_| AdminError::NotFound)?;
    let now = admin.app.effects.now();
    let mut unit = admin.app.storage.read(permit.tenant()).await?;
    let mut store = unit.tenant(permit.tenant());
    let session = store.find_session(id).await?.ok_or(AdminError::NotFound)?;
    let own_client = session.client_id.clone().unwrap_or_default();
    let standing = store.session_standing(id, &own_client).await?.map(|(_, standing)| standing);
    let is_live = |born: EventNumber| match &standing {
        None => false,
        Some(standing) if own_client.is_empty() => {
            standing.session_refusal(&session, now).is_none()
        }
        Some(standing) => standing.grant_refusal(&session, born, now).is_none(),
    };
    let active = is_live(session.born_seq);
    let username =
        standing.as_ref().map(|standing| standing.user.username.clone()).unwrap_or_default();
    let families = store.list_families(id).await?;
    let mut clients: Vec<String> = families.iter().map(|family| family.client_id.clone()).collect();
    clients.sort();
    clients.dedup();
    Ok(SessionView::of(session.clone(), active, username, clients)
        .with_families(families, active, now))
}

/// What is reached by an ending is counted up to here: counting a million of them would take longer
/// than ending them.
const MOST_COUNTED: usize = 10_000;

fn most() -> i64 {
    i64::try_from(MOST_COUNTED).unwrap_or(i64::MAX)
}

/// The same where something is really ended, which shall not wait for its figures.
const FEW: usize = 1_000;

/// How many sessions and families are live, up to `MOST_COUNTED` each.
///
/// # Errors
/// [`AdminError`].
pub async fn count_active(admin: &Admin<'_>, permit: &Permit) -> Result<Reached, AdminError> {
    let mut unit = admin.app.storage.read(permit.tenant()).await?;
    Ok(unit.tenant(permit.tenant()).count_live(most()).await?)
}

/// What an ending of `selection` would reach, up to `MOST_COUNTED` each: to be told before something
/// is done that ends it by the way.
///
/// # Errors
/// [`AdminError`].
pub async fn count_reached(
    admin: &Admin<'_>,
    permit: &Permit,
    selection: &Selection,
) -> Result<Reached, AdminError> {
    let mut unit = admin.app.storage.read(permit.tenant()).await?;
    Ok(unit.tenant(permit.tenant()).count_reached(selection, most()).await?)
}

/// The answer to an ending that is in force, by event `number`.
pub(super) fn ended(admin: &Admin<'_>, reached: Reached, number: EventNumber) -> Ending {
    let bound = i64::try_from(BOUND.as_secs()).unwrap_or_default();
    let now = admin.app.effects.now();
    Ending {
        dry_run: false,
        sessions: reached.sessions,
        families: reached.families,
        more: reached.more,
        event: Some(number.0),
        effective_here_at: Some(now),
        effective_everywhere_by: Some(now.plus(bound)),
    }
}

/// Ends what `selection` reaches, or tells what that would be.
///
/// When it answers, this node refuses every token it speaks of; every other node does so
/// within [`BOUND`], whatever fails.
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
    let bound = if dry_run { most() } else { i64::try_from(FEW).unwrap_or(i64::MAX) };
    let reached = may_end(admin, permit, selection, bound).await?;
    if dry_run {
        let (event, effective_here_at, effective_everywhere_by) = (None, None, None);
        let Reached { sessions, families, more } = reached;
        return Ok(Ending {
            dry_run,
            sessions,
            families,
            more,
            event,
            effective_here_at,
            effective_everywhere_by,
        });
    }
    let ending = match selection {
        Selection::Session(id) => {
            let number = end_session(admin, permit, *id, reached, now).await?;
            return Ok(ended(admin, reached, number));
        }
        Selection::User(id) => domain::Ending::User(*id),
        Selection::Client(id) => domain::Ending::Client(id.clone()),
        Selection::Tenant => domain::Ending::Tenant,
    };
    let occurrence = permit.occurrence(admin.app, forced_logout(tenant, ending.clone(), reached));
    let mut unit = admin.app.storage.write(tenant).await?;
    let mut store = unit.tenant(tenant);
    if !store.hold(&ending).await? {
        return Err(AdminError::NotFound);
    }
    store.tell(&occurrence);
    let place = store.end(ending, EndReason::Forced);
    let events = unit.commit().await?;
    Ok(ended(admin, reached, place.in_events(&events)?))
}

fn forced_logout(tenant: &Tenant, what: domain::Ending, reached: Reached) -> Event {
    let Reached { sessions, families, more } = reached;
    Event::SessionForcedLogout { what, tenant: tenant.slug.clone(), sessions, families, more }
}

async fn end_session(
    admin: &Admin<'_>,
    permit: &Permit,
    id: SessionId,
    reached: Reached,
    now: Timestamp,
) -> Result<EventNumber, AdminError> {
    let tenant = Arc::clone(permit.shared_tenant());
    let event = forced_logout(&tenant, domain::Ending::Session(id), reached);
    let occurrence = permit.occurrence(admin.app, event);
    let request = EndRequest {
        tenant,
        what: EndOne::Session(id),
        reason: EndReason::Forced,
        occurrence,
        now,
    };
    Ok(admin.app.storage.end_one(request).await?)
}

/// What an ending would reach, counted up to `bound`, where that is there and may be ended.
async fn may_end(
    admin: &Admin<'_>,
    permit: &Permit,
    selection: &Selection,
    bound: i64,
) -> Result<Reached, AdminError> {
    let mut unit = admin.app.storage.read(permit.tenant()).await?;
    let mut store = unit.tenant(permit.tenant());
    match selection {
        Selection::Session(id) => {
            let found = store.session_reached(*id, bound).await?;
            let (owner, reached) = found.ok_or(AdminError::NotFound)?;
            permit.may(admin.app, Action::EndSessions, Whom::of(&owner))?;
            return Ok(reached);
        }
        Selection::User(id) => {
            let user = store.find_user(*id).await?.ok_or(AdminError::NotFound)?;
            permit.may(admin.app, Action::EndSessions, Whom::of(&user))?;
        }
        Selection::Client(id) => {
            store.find_client(id).await?.ok_or(AdminError::NotFound)?;
            permit.may_at_large(admin.app, Action::EndAtLarge)?;
        }
        Selection::Tenant => permit.may_at_large(admin.app, Action::EndAtLarge)?,
    }
    Ok(store.count_reached(selection, bound).await?)
}

/// Whether one may be ended that belongs to the subject of a token, where that is a user.
async fn may_end_of(
    admin: &Admin<'_>,
    permit: &Permit,
    owner: Option<UserId>,
) -> Result<(), AdminError> {
    let Some(owner) = owner else { return permit.may_at_large(admin.app, Action::EndAtLarge) };
    let user = admin
        .app
        .storage
        .read(permit.tenant())
        .await?
        .tenant(permit.tenant())
        .find_user(owner)
        .await?;
    match user {
        Some(user) => permit.may(admin.app, Action::EndSessions, Whom::of(&user)),
        None => permit.may_at_large(admin.app, Action::EndAtLarge),
    }
}

/// Ends what a token stands for: the family of a refresh token, or one access token.
///
/// # Errors
/// [`AdminError::Invalid`] for a text that is no token of this tenant.
pub async fn revoke_token(
    admin: &Admin<'_>,
    permit: &Permit,
    token: &str,
) -> Result<(), AdminError> {
    let tenant = permit.tenant();
    if let Some(refresh) = RefreshToken::open(token, &admin.app.keys, tenant.id) {
        let family = admin
            .app
            .storage
            .read(tenant)
            .await?
            .tenant(tenant)
            .find_family(refresh.family)
            .await?;
        may_end_of(admin, permit, family.map(|family| family.user_id)).await?;
        return end(admin, permit, EndOne::Grant(refresh.family), &refresh.family.to_string())
            .await;
    }
    let keys = admin.app.keys.of(tenant).await?;
    let claims: AccessTokenClaims = keys
        .verify(TokenType::Access, token)
        .map_err(|_| FieldError::new("token", "no access or refresh token of this tenant"))?;
    let owner = claims.sid.as_ref().and_then(|_| claims.sub.parse().ok());
    may_end_of(admin, permit, owner).await?;
    end(admin, permit, EndOne::Token(claims.jti.clone(), None), &claims.jti).await
}

/// Refuses one access token from now on.
///
/// # Errors
/// [`AdminError`].
pub async fn revoke_jti(admin: &Admin<'_>, permit: &Permit, jti: &str) -> Result<(), AdminError> {
    permit.may_at_large(admin.app, Action::EndAtLarge)?;
    end(admin, permit, EndOne::Token(jti.to_owned(), None), jti).await
}

async fn end(
    admin: &Admin<'_>,
    permit: &Permit,
    what: EndOne,
    target: &str,
) -> Result<(), AdminError> {
    let event = Event::TokenRevoked { token: target.to_owned(), by: "by an administrator" };
    let occurrence = permit.occurrence(admin.app, event);
    let (tenant, now) = (Arc::clone(permit.shared_tenant()), admin.app.effects.now());
    admin
        .app
        .storage
        .end_one(EndRequest { tenant, what, reason: EndReason::Forced, occurrence, now })
        .await?;
    Ok(())
}

/// Where an ending has been applied by now. Operators may ask of any, others of their tenant's own.
///
/// # Errors
/// [`AdminError::NotFound`] for another tenant's event, and for one that is no longer kept.
pub async fn where_effective(
    admin: &Admin<'_>,
    authority: &Authority,
    event: i64,
) -> Result<Effectiveness, AdminError> {
    let event = EventNumber(event);
    let is_operator = authority.everywhere(Action::ReadInstallation).is_ok();
    if !is_operator {
        let of = admin.app.storage.read_installation().await?.tenant_of_event(event).await?;
        if !of.is_some_and(|tenant| authority.reaches(tenant)) {
            return Err(AdminError::NotFound);
        }
    }
    let mut effective = admin.app.revocations.effectiveness(event).await?;
    if !is_operator {
        // How the installation is built is no tenant's business.
        effective.nodes = None;
    }
    Ok(effective)
}

/// The same, but that it waits up to a second for every node.
///
/// # Errors
/// As [`where_effective`].
pub async fn wait_until_effective(
    admin: &Admin<'_>,
    authority: &Authority,
    event: i64,
) -> Result<Effectiveness, AdminError> {
    for _ in 0..20 {
        let effective = where_effective(admin, authority, event).await?;
        if effective.everywhere {
            return Ok(effective);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    where_effective(admin, authority, event).await
}
