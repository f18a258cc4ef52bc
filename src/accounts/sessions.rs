//! Sessions: how they begin, and those that a browser's cookie carries.

use std::sync::Arc;

use super::Identified;
use crate::{
    domain::{
        Actor, Authentication, EndReason, Ending, Event, Origin, Session, SessionFilter, SessionId,
        SessionKind, Standing, Tenant, Timestamp, User,
    },
    installation::Installation,
    keys::sha256,
    storage::{EndOne, EndRequest, ListedSession, StorageError, TenantStore},
};

/// A session and its user, as a cookie has shown them.
pub struct Visitor {
    /// The session; it may be too idle to sign on silently.
    pub session: Session,
    /// Whose it is.
    pub user: User,
}

/// A session that has just begun, and the cookie that carries it.
pub struct NewSession {
    /// The cookie's value, which is stored nowhere.
    pub cookie: String,
}

fn digest(cookie: &str) -> Vec<u8> {
    sha256(format!("session:{cookie}").as_bytes())
}

/// The live session that `cookie` carries at this tenant, one of `kind`, with its user.
///
/// # Errors
/// [`StorageError`].
pub async fn find_visitor(
    app: &Installation,
    tenant: &Tenant,
    kind: SessionKind,
    cookie: &str,
) -> Result<Option<Visitor>, StorageError> {
    let now = app.effects.now();
    let found =
        app.storage.read(tenant).await?.tenant(tenant).cookie_standing(&digest(cookie)).await?;
    let idle_ttl = tenant.settings.session_idle_ttl;
    let Some((session, standing)) = found else { return Ok(None) };
    let is_good = session.kind == kind
        && session.signs_on(now, idle_ttl)
        && standing.session_refusal(&session, now).is_none();
    if !is_good {
        return Ok(None);
    }
    // Writing each use would make every page view a write; a minute is close enough for idling.
    if now.since(session.last_seen_at) >= 60.min(idle_ttl / 2) {
        let mut unit = app.storage.write(tenant).await?;
        unit.tenant(tenant).touch_session(session.id, now).await?;
        unit.commit().await?;
    }
    Ok(Some(Visitor { session, user: standing.user }))
}

/// Starts a session for a user who has just proven who they are, with a cookie of its own;
/// `None` where that proof has been overtaken: the user was disabled, or given another password,
/// while this one was being hashed.
///
/// The session that the browser held before is taken over where it was the same user's, under
/// the new cookie (so an old cookie, planted or copied, is worth nothing), and ended otherwise.
///
/// # Errors
/// [`StorageError`].
pub async fn sign_in_browser(
    app: &Installation,
    tenant: &Tenant,
    identified: &Identified,
    kind: SessionKind,
    held: Option<&Visitor>,
    origin: &Origin,
) -> Result<Option<NewSession>, StorageError> {
    let Identified { user, authentication } = identified;
    let now = app.effects.now();
    let cookie = app.effects.secret();
    let mut unit = app.storage.write(tenant).await?;
    let mut store = unit.tenant(tenant);
    let standing = store.user_standing(user.id, "").await?;
    let is_same = |standing: &Standing| {
        standing.refusal().is_none() && standing.user.password_hash == user.password_hash
    };
    let Some(standing) = standing.filter(is_same) else { return Ok(None) };
    let renewed = match held {
        Some(held) if held.user.id == user.id && kind == SessionKind::Browser => {
            renew(&mut store, held.session.id, &digest(&cookie), authentication, now).await?
        }
        _ => None,
    };
    let session = match renewed {
        Some(session) => session,
        None => {
            if let Some(held) = held {
                let _ = store.end_session(held.session.id, EndReason::Superseded, now).await?;
            }
            let carried =
                Beginning { at: now, kind, client_id: None, cookie_digest: Some(digest(&cookie)) };
            let session = begin_session(app, tenant, &standing, authentication, carried, origin);
            store.insert_session(&session).await?;
            session
        }
    };
    let actor = Actor::User(user.id.to_string());
    let event = Event::SessionStarted { session: session.id, via: kind.as_str().to_owned() };
    store.tell(&app.audit.occurrence(tenant, &actor, event, origin));
    unit.commit().await?;
    Ok(Some(NewSession { cookie }))
}

/// Puts a session that is still good under a new cookie.
async fn renew(
    store: &mut TenantStore<'_>,
    id: SessionId,
    digest: &[u8],
    authentication: &Authentication,
    now: Timestamp,
) -> Result<Option<Session>, StorageError> {
    let Some((mut session, standing)) = store.session_standing(id, "").await? else {
        return Ok(None);
    };
    if standing.session_refusal(&session, now).is_some() {
        return Ok(None);
    }
    store.renew_session(id, digest, authentication, now).await?;
    session.cookie_digest = Some(digest.to_vec());
    session.authentication = authentication.clone();
    session.last_seen_at = now;
    Ok(Some(session))
}

/// How a session begins: what carries it, and the client it is made through, where it has no cookie.
pub struct Beginning {
    /// When: the one instant of its request.
    pub at: Timestamp,
    /// How.
    pub kind: SessionKind,
    /// Through which client, where no cookie carries it.
    pub client_id: Option<String>,
    /// SHA-256 of the cookie that carries it, where one does.
    pub cookie_digest: Option<Vec<u8>>,
}

/// A session of a user as they stand now, which begins with this proof of who they are. It is not stored.
pub fn begin_session(
    app: &Installation,
    tenant: &Tenant,
    standing: &Standing,
    authentication: &Authentication,
    beginning: Beginning,
    origin: &Origin,
) -> Session {
    let Beginning { at, kind, client_id, cookie_digest } = beginning;
    Session {
        tenant_id: tenant.id,
        id: app.effects.id::<SessionId>(),
        user_id: standing.user.id,
        kind,
        client_id,
        cookie_digest,
        born_seq: standing.head,
        authentication: authentication.clone(),
        ip: origin.ip.clone(),
        user_agent: origin.user_agent.clone(),
        created_at: at,
        last_seen_at: at,
        expires_at: at.plus(tenant.settings.session_max_ttl),
        ended_at: None,
        end_reason: None,
    }
}

/// A user's own live sessions, the newest first, each with the clients that have tokens in it.
///
/// # Errors
/// [`StorageError`].
pub async fn list_own(
    app: &Installation,
    tenant: &Tenant,
    user: &User,
) -> Result<Vec<(Session, Vec<String>)>, StorageError> {
    let filter =
        SessionFilter { user: Some(user.id), active: Some(true), ..SessionFilter::default() };
    let mut unit = app.storage.read(tenant).await?;
    let mut store = unit.tenant(tenant);
    let sessions = store.list_sessions(&filter, app.effects.now(), 100).await?.items;
    let ids: Vec<SessionId> = sessions.iter().map(|listed| listed.session.id).collect();
    let mut clients = store.clients_of(&ids).await?;
    let with_clients = |listed: ListedSession| {
        let clients = clients.remove(&listed.session.id).unwrap_or_default();
        (listed.session, clients)
    };
    Ok(sessions.into_iter().map(with_clients).collect())
}

/// What a user chose to end of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnEnding {
    /// One session.
    Session(SessionId),
    /// Everything they have.
    All,
}

/// Ends what a user chose of their own sessions; another user's session is left alone.
///
/// # Errors
/// [`StorageError`].
pub async fn end_own(
    app: &Installation,
    tenant: &Arc<Tenant>,
    user: &User,
    chosen: OwnEnding,
    origin: &Origin,
) -> Result<(), StorageError> {
    let now = app.effects.now();
    let actor = Actor::User(user.id.to_string());
    let occurrence = |event| app.audit.occurrence(tenant, &actor, event, origin);
    match chosen {
        OwnEnding::Session(id) => {
            let found = app.storage.read(&**tenant).await?.tenant(tenant).find_session(id).await?;
            // Whose a session is never changes.
            if found.is_some_and(|session| session.user_id == user.id) {
                let occurrence = occurrence(Event::SessionEnded { session: id, by: "by its user" });
                let (tenant, what) = (Arc::clone(tenant), EndOne::Session(id));
                let request =
                    EndRequest { tenant, what, reason: EndReason::Logout, occurrence, now };
                app.storage.end_one(request).await?;
            }
        }
        OwnEnding::All => {
            let mut unit = app.storage.write(&**tenant).await?;
            let mut store = unit.tenant(tenant);
            if store.hold(&Ending::User(user.id)).await? {
                let _ = store.end(Ending::User(user.id), EndReason::Logout);
                store.tell(&occurrence(Event::SessionsEnded { user: user.id }));
                unit.commit().await?;
            }
        }
    }
    Ok(())
}
