//! The issuers' HTTP side: `/{tenant}` each on one port of this machine.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Form, Json, Router,
    body::{Body, Bytes},
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::{StreamExt as _, stream};
use serde_json::json;

use crate::{
    CLIENT_ID, CLIENT_SECRET,
    keys::Key,
    tenant::{Event, Introspection, Manner, Tenant},
};

/// How often a feed says that nothing else was ended.
const EACH: Duration = Duration::from_millis(250);

/// All of them.
pub(crate) struct World {
    pub(crate) base: String,
    tenants: Mutex<HashMap<String, Arc<Tenant>>>,
    shared: BTreeMap<String, Arc<Key>>,
    pub(crate) another: Key,
    /// What was asked for that is not here.
    strangers: Mutex<Vec<String>>,
}

impl World {
    /// Starts to answer.
    pub(crate) async fn start() -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let world = Arc::new(Self {
            base: format!("http://{}", listener.local_addr().unwrap()),
            tenants: Mutex::default(),
            shared: [("rsa", Key::rsa()), ("ed", Key::ed25519()), ("enc", Key::p256())]
                .map(|(id, key)| (id.to_owned(), Arc::new(key)))
                .into(),
            another: Key::p256(),
            strangers: Mutex::default(),
        });
        let app = Router::new()
            .route("/{tenant}/.well-known/openid-configuration", get(metadata))
            .route("/{tenant}/jwks", get(jwks))
            .route("/{tenant}/token", post(token))
            .route("/{tenant}/introspect", post(introspect))
            .route("/{tenant}/oauth2/revocations", get(revocations))
            .fallback(stranger)
            .with_state(Arc::clone(&world));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        world
    }

    /// A tenant that is not here.
    pub(crate) fn stranger(&self, name: &str) -> Tenant {
        self.made(name, Vec::new())
    }

    fn made(&self, name: &str, events: Vec<Event>) -> Tenant {
        let mut keys = self.shared.clone();
        keys.insert("one".to_owned(), Arc::new(Key::p256()));
        Tenant::new(format!("{}/{name}", self.base), keys, events)
    }

    /// A new tenant; `events` were before anybody has read its feed.
    pub(crate) fn tenant(&self, name: &str, events: Vec<Event>) -> Arc<Tenant> {
        let tenant = Arc::new(self.made(name, events));
        self.tenants.lock().unwrap().insert(name.to_owned(), Arc::clone(&tenant));
        tenant
    }

    fn find(&self, name: &str) -> Result<Arc<Tenant>, StatusCode> {
        let found = self.tenants.lock().unwrap().get(name).cloned();
        found.ok_or_else(|| self.note(name))
    }

    fn note(&self, what: &str) -> StatusCode {
        self.strangers.lock().unwrap().push(what.to_owned());
        StatusCode::NOT_FOUND
    }

    /// How often a tenant was asked for that is not here.
    pub(crate) fn asked_for(&self, name: &str) -> usize {
        let asked = self.strangers.lock().unwrap();
        asked.iter().filter(|path| path.ends_with(name)).count()
    }
}

type Shared = State<Arc<World>>;
type Answer = Result<Response, StatusCode>;

async fn stranger(State(world): Shared, uri: Uri) -> StatusCode {
    world.note(uri.path())
}

async fn metadata(State(world): Shared, Path(name): Path<String>) -> Answer {
    if name == "liar" {
        return Ok(Json(
            json!({ "issuer": "https://id.example", "jwks_uri": "https://id.example/jwks" }),
        )
        .into_response());
    }
    if name == "redirected" {
        let there = format!("{}/table/.well-known/openid-configuration", world.base);
        return Ok((StatusCode::FOUND, [(header::LOCATION, there)]).into_response());
    }
    let tenant = world.find(&name)?;
    match tenant.see(|now| now.keys_are_away) {
        true => Err(StatusCode::SERVICE_UNAVAILABLE),
        false => Ok(Json(tenant.metadata()).into_response()),
    }
}

async fn jwks(State(world): Shared, Path(name): Path<String>) -> Answer {
    let tenant = world.find(&name)?;
    if tenant.see(|now| now.keys_are_away) {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    Ok(([(header::CACHE_CONTROL, "public, max-age=300")], Json(tenant.jwks())).into_response())
}

/// Whether a request is by the feed's client; both halves are encoded before they are joined (RFC 6749 §2.3.1).
fn is_the_client(headers: &HeaderMap) -> bool {
    let line = headers.get(header::AUTHORIZATION).and_then(|line| line.to_str().ok());
    let encoded = line.and_then(|line| line.strip_prefix("Basic "));
    let pair = encoded.and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
    let pair = String::from_utf8_lossy(&pair).replacen(':', "=", 1);
    let decoded = form_urlencoded::parse(pair.as_bytes()).next();
    decoded.is_some_and(|(id, secret)| id == CLIENT_ID && secret == CLIENT_SECRET)
}

/// RFC 6749 §4.4: the client of the feed, and nothing else.
async fn token(
    State(world): Shared,
    Path(name): Path<String>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Answer {
    let tenant = world.find(&name)?;
    if !is_the_client(&headers) {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let asked = |name: &str| form.get(name).map(String::as_str);
    if (asked("grant_type"), asked("scope")) != (Some("client_credentials"), Some("revocations")) {
        return Err(StatusCode::BAD_REQUEST);
    }
    let token = tenant.grant();
    Ok(Json(json!({ "access_token": token, "token_type": "Bearer", "expires_in": 900 }))
        .into_response())
}

/// RFC 7662.
async fn introspect(State(world): Shared, Path(name): Path<String>, headers: HeaderMap) -> Answer {
    let tenant = world.find(&name)?;
    if !is_the_client(&headers) {
        return Err(StatusCode::UNAUTHORIZED);
    }
    match tenant.see(|now| now.introspection) {
        Introspection::Away => Err(StatusCode::SERVICE_UNAVAILABLE),
        said => Ok(Json(json!({ "active": said == Introspection::Active })).into_response()),
    }
}

async fn revocations(
    State(world): Shared,
    Path(name): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Answer {
    let tenant = world.find(&name)?;
    match tenant.see(|now| now.manner) {
        Manner::Away => return Err(StatusCode::SERVICE_UNAVAILABLE),
        Manner::Silent => std::future::pending().await,
        Manner::Speaks => {}
    }
    let text = |name| headers.get(name).and_then(|line| line.to_str().ok());
    let token = text(header::AUTHORIZATION).and_then(|line| line.strip_prefix("Bearer "));
    if !token.is_some_and(|token| tenant.see(|now| now.tokens.contains(token))) {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let cursor = headers.get("last-event-id").and_then(|line| line.to_str().ok());
    let cursor = cursor.or(query.get("after").map(String::as_str));
    let after: i64 = cursor.map_or(Ok(0), str::parse).map_err(|_| StatusCode::BAD_REQUEST)?;
    if after > tenant.see(|now| now.head()) {
        return Err(StatusCode::GONE);
    }
    if text(header::ACCEPT).is_some_and(|kinds| kinds.contains("text/event-stream")) {
        return Ok(stream(tenant, after));
    }
    Ok(page(&tenant, after, &query))
}

/// A page of three at most, so that whoever reads must ask again.
fn page(tenant: &Tenant, after: i64, query: &HashMap<String, String>) -> Response {
    let limit = query.get("limit").and_then(|text| text.parse().ok()).unwrap_or(100).min(3);
    tenant.see(|now| {
        let some = now.events.iter().filter(|event| event.n > after).take(limit);
        let events: Vec<&Event> = some.collect();
        let next = events.last().map_or(after, |event| event.n);
        Json(json!({ "events": events, "next": next.to_string(), "head": now.head() }))
            .into_response()
    })
}

/// Server-sent events as they come, in small pieces.
fn stream(tenant: Arc<Tenant>, after: i64) -> Response {
    let begun = tenant.see(|now| now.streams);
    let changes = tenant.changes();
    let pieces =
        stream::unfold((tenant, changes, after), move |(tenant, mut changes, after)| async move {
            loop {
                if tenant.see(|now| now.streams != begun || now.manner == Manner::Away) {
                    return None;
                }
                let next = tenant.see(|now| {
                    let is_next = |event: &&Event| event.n > after && now.manner == Manner::Speaks;
                    now.events.iter().find(is_next).cloned()
                });
                if let Some(event) = next {
                    let json = serde_json::to_string(&event).unwrap();
                    let text = format!("id: {}\ndata: {json}\n\n", event.n);
                    if tenant.see(|now| now.cuts) {
                        tenant.change(|now| (now.cuts, now.streams) = (false, now.streams + 1));
                        let half = text.split_at(text.len() / 2).0.to_owned();
                        return Some((half, (tenant, changes, after)));
                    }
                    return Some((text, (tenant, changes, event.n)));
                }
                if tokio::time::timeout(EACH, changes.changed()).await.is_err()
                    && tenant.see(|now| now.manner == Manner::Speaks)
                {
                    return Some((": alive\n\n".to_owned(), (tenant, changes, after)));
                }
            }
        });
    let bytes = pieces.flat_map(|text| {
        let pieces: Vec<_> = text.as_bytes().chunks(7).map(Bytes::copy_from_slice).collect();
        stream::iter(pieces.into_iter().map(Ok::<_, std::convert::Infallible>))
    });
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(bytes)).into_response()
}
