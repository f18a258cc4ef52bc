//! Sessions that a browser's cookie carries.

use crate::{
    domain::{Actor, EndReason, Origin, Session, SessionId, SessionKind, Tenant, User},
    installation::Installation,
    keys::sha256,
    storage::{Selection, SessionFilter, StorageError},
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
    /// The session.
    pub session: Session,
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
    let mut unit = app.storage.read().await?;
    let mut store = unit.tenant(tenant);
    let session = store.find_session_by_cookie(&digest(cookie)).await?;
    let idle_ttl = tenant.settings.session_idle_ttl;
    let Some(session) = session.filter(|s| s.kind == kind && s.signs_on(now, idle_ttl)) else {
        return Ok(None);
    };
    let user = store.find_user(session.user_id).await?.filter(User::is_active);
    drop(unit);
    // Writing each use would make every page view a write; a minute is close enough for idling.
    if user.is_some() && now.since(session.last_seen_at) >= 60.min(idle_ttl / 2) {
        let mut unit = app.storage.write().await?;
        unit.tenant(tenant).touch_session(session.id, now).await?;
        unit.commit().await?;
    }
    Ok(user.map(|user| Visitor { session, user }))
}

/// Starts a session for a user who has just proven who they are, with a cookie of its own.
///
/// The session that the browser held before is taken over where it was the same user's, under
/// the new cookie (so an old cookie, planted or copied, is worth nothing), and ended otherwise.
///
/// # Errors
/// [`StorageError`].
pub async fn sign_in_browser(
    app: &Installation,
    tenant: &Tenant,
    user: &User,
    kind: SessionKind,
    held: Option<&Visitor>,
    origin: &Origin,
) -> Result<NewSession, StorageError> {
    let now = app.effects.now();
    let cookie = app.effects.secret();
    let mut unit = app.storage.write().await?;
    let mut store = unit.tenant(tenant);
    let session = match held {
        Some(held) if held.user.id == user.id && kind == SessionKind::Browser => {
            let mut session = held.session.clone();
            session.cookie_digest = Some(digest(&cookie));
            (session.auth_time, session.last_seen_at) = (now, now);
            store.renew_session(session.id, &digest(&cookie), now).await?;
            session
        }
        _ => {
            if let Some(held) = held {
                let gone = Selection::Session(held.session.id);
                store.end_sessions(&gone, EndReason::Superseded, now).await?;
            }
            let session = new_session(app, tenant, user, kind, &cookie, origin);
            store.insert_session(&session).await?;
            session
        }
    };
    let actor = Actor::User(user.id.to_string());
    let event = app.audit.event(tenant, &actor, "session.started", &session.id.to_string(), kind.as_str(), origin);
    store.insert_audit(&event).await?;
    unit.commit().await?;
    Ok(NewSession { session, cookie })
}

fn new_session(
    app: &Installation,
    tenant: &Tenant,
    user: &User,
    kind: SessionKind,
    cookie: &str,
    origin: &Origin,
) -> Session {
    let now = app.effects.now();
    Session {
        tenant_id: tenant.id,
        id: SessionId::new(&app.effects),
        user_id: user.id,
        kind,
        cookie_digest: Some(digest(cookie)),
        auth_time: now,
        amr: vec!["pwd".to_owned()],
        ip: origin.ip.clone(),
        user_agent: origin.user_agent.clone(),
        created_at: now,
        last_seen_at: now,
        expires_at: now.plus(tenant.settings.session_max_ttl),
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
    let filter = SessionFilter { user: Some(user.id), active: Some(true), ..SessionFilter::default() };
    let mut unit = app.storage.read().await?;
    let mut store = unit.tenant(tenant);
    let sessions = store.list_sessions(&filter, app.effects.now(), 100).await?.items;
    let ids: Vec<SessionId> = sessions.iter().map(|session| session.id).collect();
    let mut clients = store.clients_of(&ids).await?;
    let with_clients = |session: Session| {
        let clients = clients.remove(&session.id.to_string()).unwrap_or_default();
        (session, clients)
    };
    Ok(sessions.into_iter().map(with_clients).collect())
}

/// Ends what a user chose of their own sessions; another user's session is left alone.
///
/// # Errors
/// [`StorageError`].
pub async fn end_own(
    app: &Installation,
    tenant: &Tenant,
    user: &User,
    chosen: &Selection,
    origin: &Origin,
) -> Result<(), StorageError> {
    let now = app.effects.now();
    let mut unit = app.storage.write().await?;
    let mut store = unit.tenant(tenant);
    if let Selection::Session(id) = chosen {
        let own = store.find_session(*id).await?.is_some_and(|session| session.user_id == user.id);
        if !own {
            return Ok(());
        }
    }
    let target = match chosen {
        Selection::Session(id) => id.to_string(),
        _ => "all".to_owned(),
    };
    let actor = Actor::User(user.id.to_string());
    let event = app.audit.event(tenant, &actor, "session.ended", &target, "by its user", origin);
    store.end_sessions(chosen, EndReason::Logout, now).await?;
    store.insert_audit(&event).await?;
    unit.commit().await.map(|_| ())
}
