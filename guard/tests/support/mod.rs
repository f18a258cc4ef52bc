//! An issuer of tokens, on a port of this machine.

#![allow(dead_code, reason = "not every one of them asks for all of it")]

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use axum::{
    Json, Router,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use portcullis_guard::Clock;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

pub(crate) const API: &str = "https://api.example";
pub(crate) const NOW: u64 = 1_800_000_000;

/// A clock that stands still.
pub(crate) struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> u64 {
        NOW
    }
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A key of P-256.
pub(crate) struct Key {
    signs: EncodingKey,
    public: Vec<u8>,
}

impl Key {
    pub(crate) fn new() -> Self {
        let random = SystemRandom::new();
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref()).unwrap();
        let public = pair.public_key().as_ref().to_vec();
        Self { signs: EncodingKey::from_ec_der(document.as_ref()), public }
    }

    pub(crate) fn verifies(&self) -> DecodingKey {
        DecodingKey::from_ec_der(&self.public)
    }

    fn jwk(&self, id: &str) -> Value {
        let (x, y) = self.public[1..].split_at(32);
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": id,
                "x": base64(x), "y": base64(y) })
    }
}

struct Shared {
    url: String,
    named: Mutex<String>,
    keys: Mutex<Value>,
    fetches: AtomicUsize,
    answers: AtomicUsize,
    is_away: AtomicBool,
}

pub(crate) struct Issuer {
    pub(crate) url: String,
    pub(crate) key: Key,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    shared.answers.fetch_add(1, Ordering::SeqCst);
    if shared.is_away.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match request.uri().path() {
        "/acme/.well-known/openid-configuration" => Json(json!({
            "issuer": *shared.named.lock().unwrap(), "jwks_uri": format!("{}/jwks", shared.url),
        }))
        .into_response(),
        "/acme/jwks" => {
            shared.fetches.fetch_add(1, Ordering::SeqCst);
            let keys = shared.keys.lock().unwrap().clone();
            ([(header::CACHE_CONTROL, "max-age=300")], Json(json!({ "keys": keys })))
                .into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

impl Issuer {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/acme", listener.local_addr().unwrap());
        let key = Key::new();
        // One that is of a kind that nobody knows, and one that is for something else.
        let keys = json!([{ "kty": "XX", "kid": "odd" }, { "kty": "oct", "kid": "s", "k": "c2VjcmV0" }, key.jwk("one")]);
        let shared = Arc::new(Shared {
            url: url.clone(),
            named: Mutex::new(url.clone()),
            keys: Mutex::new(keys),
            fetches: AtomicUsize::default(),
            answers: AtomicUsize::default(),
            is_away: AtomicBool::default(),
        });
        let app = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, key, shared, serving }
    }

    /// Connections that are kept are answered that it is away, and new ones not at all.
    pub(crate) fn stop(&mut self) {
        self.shared.is_away.store(true, Ordering::SeqCst);
        self.serving.abort();
    }

    /// How often the keys were fetched.
    pub(crate) fn fetches(&self) -> usize {
        self.shared.fetches.load(Ordering::SeqCst)
    }

    /// How many requests were answered.
    pub(crate) fn answers(&self) -> usize {
        self.shared.answers.load(Ordering::SeqCst)
    }

    pub(crate) fn say_it_is(&self, name: &str) {
        *self.shared.named.lock().unwrap() = name.to_owned();
    }

    /// Takes the key away, and has another.
    pub(crate) fn roll(&self) -> Key {
        let key = Key::new();
        *self.shared.keys.lock().unwrap() = json!([key.jwk("two")]);
        key
    }

    /// A token with these claims beside the usual ones, or in their place; null leaves one out.
    pub(crate) fn token(&self, changes: &Value) -> String {
        self.token_with(&self.key, Some("at+jwt"), Some("one"), changes)
    }

    pub(crate) fn token_with(
        &self,
        key: &Key,
        typ: Option<&str>,
        kid: Option<&str>,
        changes: &Value,
    ) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = typ.map(str::to_owned);
        header.kid = kid.map(str::to_owned);
        jsonwebtoken::encode(&header, &self.claims(changes), &key.signs).unwrap()
    }

    /// Signed by HMAC with the public key, which everybody knows.
    pub(crate) fn signed_by_the_public_key(&self) -> String {
        let mut header = Header::new(Algorithm::HS256);
        (header.typ, header.kid) = (Some("at+jwt".to_owned()), Some("one".to_owned()));
        let secret = EncodingKey::from_secret(&self.key.public);
        jsonwebtoken::encode(&header, &self.claims(&json!({})), &secret).unwrap()
    }

    fn claims(&self, changes: &Value) -> Value {
        let mut claims = json!({
            "iss": self.url, "sub": "ada", "aud": API, "exp": NOW + 900, "iat": NOW, "jti": "t", "client_id": "app",
            "scope": "reports.read",
        });
        let object = claims.as_object_mut().unwrap();
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                object.remove(name);
            } else {
                object.insert(name.clone(), value.clone());
            }
        }
        claims
    }
}
