//! The keys of an issuer (RFC 7517): held, fetched ahead of time, and asked for by nobody's leave but ours.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::metadata::{self, Metadata, NotFetched};

/// How long keys are held where their answer says nothing, at least, and at most.
const USUAL: Duration = Duration::from_secs(300);
const LEAST: Duration = Duration::from_secs(10);
const MOST: Duration = Duration::from_secs(24 * 3600);

/// How long a `kid` that is not known does not cause another fetch. Anybody can make one up.
const UNKNOWN_EACH: Duration = Duration::from_secs(60);

/// How soon a fetch that failed is tried again: where there are no keys yet, and where there are.
const AGAIN_WITHOUT: Duration = Duration::from_secs(1);
const AGAIN: Duration = Duration::from_secs(10);

/// A key, and the algorithms that it verifies.
pub(crate) struct Key {
    jwk: Jwk,
    pub(crate) algorithms: Vec<Algorithm>,
    pub(crate) verifies: DecodingKey,
}

impl Key {
    /// Its name in the key set.
    pub(crate) fn id(&self) -> Option<&str> {
        self.jwk.common.key_id.as_deref()
    }
}

/// What is known of an issuer's keys.
#[derive(Default)]
struct Known {
    keys: Vec<Arc<Key>>,
    metadata: Option<Metadata>,
    /// When they are to be fetched anew.
    due: Option<Instant>,
    /// When the last fetch ended.
    tried: Option<Instant>,
    /// Why it brought nothing, where it did not.
    failed: Option<NoKey>,
    /// When somebody last asked for a `kid` that was not known, and had them fetched.
    asked: Option<Instant>,
}

/// Why there is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoKey {
    /// There is none of this name: the issuer has said so.
    Unknown,
    /// The issuer has not answered.
    Away,
}

pub(crate) struct Keys {
    issuer: String,
    http: reqwest::Client,
    known: ArcSwap<Known>,
    fetching: Mutex<()>,
}

impl Keys {
    pub(crate) fn of(issuer: &str, http: &reqwest::Client) -> Self {
        Self {
            issuer: issuer.to_owned(),
            http: http.clone(),
            known: ArcSwap::default(),
            fetching: Mutex::default(),
        }
    }

    /// Has them fetched for the first time; what became of it.
    pub(crate) async fn begin(self: &Arc<Self>) -> Result<(), NoKey> {
        self.fetch_after(None, Known::again).await;
        self.known.load().failed.map_or(Ok(()), Err)
    }

    /// The key of this `kid`; of a token that names none, the only one.
    pub(crate) async fn find(self: &Arc<Self>, id: Option<&str>) -> Result<Arc<Key>, NoKey> {
        let known = self.known.load_full();
        if let Some(key) = known.find(id) {
            if known.due.is_some_and(|due| due <= Instant::now()) {
                let this = Arc::clone(self);
                tokio::spawn(async move { this.fetch_ahead().await });
            }
            return Ok(Arc::clone(key));
        }
        if known.may_ask() {
            // The first time is nobody's asking for more than there was.
            let is_more = known.metadata.is_some();
            let then = if is_more { Known::asked_again } else { Known::again };
            self.fetch_after(known.tried, then).await;
        }
        let known = self.known.load();
        let why = if known.metadata.is_some() { NoKey::Unknown } else { NoKey::Away };
        known.find(id).cloned().ok_or(known.failed.map_or(why, |_| NoKey::Away))
    }

    /// Whether a key that has verified a token is still the issuer's.
    pub(crate) fn has(&self, id: Option<&str>, key: &Arc<Key>) -> bool {
        self.known.load().find(id).is_some_and(|known| Arc::ptr_eq(known, key))
    }

    /// The issuer's metadata, as it was read last.
    pub(crate) async fn metadata(self: &Arc<Self>) -> Option<Metadata> {
        let known = self.known.load_full();
        if known.metadata.is_none() {
            self.fetch_after(known.tried, Known::again).await;
        }
        self.known.load().metadata.clone()
    }

    async fn fetch_ahead(&self) {
        if let Ok(_turn) = self.fetching.try_lock() {
            let known = self.read().await;
            self.known.store(Arc::new(known));
        }
    }

    /// Fetches them, unless somebody has since `seen`. It is done though its caller may go: else whoever hangs up
    /// could have them fetched again and again.
    async fn fetch_after(self: &Arc<Self>, seen: Option<Instant>, then: fn(Known) -> Known) {
        let this = Arc::clone(self);
        let fetched = tokio::spawn(async move {
            let _turn = this.fetching.lock().await;
            if this.known.load().tried == seen {
                let known = then(this.read().await);
                this.known.store(Arc::new(known));
            }
        });
        // One that broke down has changed nothing.
        let _ = fetched.await;
    }

    async fn read(&self) -> Known {
        let last = self.known.load_full();
        let fetched = self.fetch(&last).await;
        let now = Instant::now();
        let (tried, asked) = (Some(now), last.asked);
        match fetched {
            Ok((metadata, keys, held_for)) => {
                let due = Some(now + held_for * 4 / 5);
                Known { keys, metadata: Some(metadata), due, tried, failed: None, asked }
            }
            Err(why) => {
                tracing::warn!(issuer = self.issuer, error = %why, "the keys of an issuer cannot be read: the last ones stay");
                let failed = Some(if why.is_of_no_issuer() { NoKey::Unknown } else { NoKey::Away });
                let (keys, metadata) = (last.keys.clone(), last.metadata.clone());
                Known { keys, metadata, due: last.due.map(|_| now + AGAIN), tried, failed, asked }
            }
        }
    }

    async fn fetch(&self, last: &Known) -> Result<(Metadata, Vec<Arc<Key>>, Duration), NotFetched> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let metadata = metadata::of(&self.http, &self.issuer).await?;
        let set = metadata::fetch::<Set>(&self.http, &metadata.jwks_uri).await?;
        let key = |key: Value| {
            // One of a kind that is not known here is somebody else's, and no reason to refuse the others.
            let jwk: Jwk = serde_json::from_value(key).ok()?;
            let known = last.keys.iter().find(|key| key.jwk == jwk).cloned();
            known.or_else(|| usable(jwk).map(Arc::new))
        };
        let keys = set.value.keys.into_iter().filter_map(key).collect();
        let held_for = set.held_for.unwrap_or(USUAL).clamp(LEAST, MOST);
        Ok((metadata, keys, held_for))
    }
}

impl Known {
    fn find(&self, id: Option<&str>) -> Option<&Arc<Key>> {
        match (id, self.keys.as_slice()) {
            (Some(id), keys) => keys.iter().find(|key| key.id() == Some(id)),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }

    /// Whether a `kid` that is not known may have them fetched.
    fn may_ask(&self) -> bool {
        let is_over = |since: Option<Instant>, pause| since.is_none_or(|at| at.elapsed() >= pause);
        match (self.failed, &self.metadata) {
            (_, None) => is_over(self.tried, AGAIN_WITHOUT),
            (Some(_), Some(_)) => is_over(self.tried, AGAIN),
            (None, Some(_)) => is_over(self.asked, UNKNOWN_EACH),
        }
    }

    fn again(self) -> Self {
        self
    }

    fn asked_again(self) -> Self {
        Self { asked: self.tried, ..self }
    }
}

/// A public key that signs, with the algorithms that it may be used for. What the token says decides nothing:
/// a key of one kind never verifies by an algorithm of another (RFC 8725 §3.1).
fn usable(jwk: Jwk) -> Option<Key> {
    if jwk.common.public_key_use.as_ref().is_some_and(|it| *it != PublicKeyUse::Signature) {
        return None;
    }
    let of_kind: &[Algorithm] = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => &[
            Algorithm::RS256,
            Algorithm::RS384,
            Algorithm::RS512,
            Algorithm::PS256,
            Algorithm::PS384,
            Algorithm::PS512,
        ],
        AlgorithmParameters::EllipticCurve(point) => match point.curve {
            EllipticCurve::P256 => &[Algorithm::ES256],
            EllipticCurve::P384 => &[Algorithm::ES384],
            _ => return None,
        },
        AlgorithmParameters::OctetKeyPair(point) if point.curve == EllipticCurve::Ed25519 => {
            &[Algorithm::EdDSA]
        }
        _ => return None,
    };
    let algorithms = match jwk.common.key_algorithm {
        None => of_kind.to_vec(),
        Some(named) => {
            let named = algorithm(named)?;
            of_kind.iter().copied().filter(|known| *known == named).collect()
        }
    };
    if algorithms.is_empty() {
        return None;
    }
    let verifies = DecodingKey::from_jwk(&jwk).ok()?;
    Some(Key { jwk, algorithms, verifies })
}

fn algorithm(named: KeyAlgorithm) -> Option<Algorithm> {
    named.to_string().parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "it may stop where it stands")]
mod tests {
    use super::*;

    const KEY: &str = r#"{"kty":"OKP","crv":"Ed25519","kid":"one","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    #[tokio::test]
    async fn a_fetch_that_hangs_holds_up_nobody_whose_key_is_there() {
        // It takes connections, and answers none.
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", silent.local_addr().unwrap());
        let keys = Arc::new(Keys::of(&issuer, &reqwest::Client::new()));
        let key = Arc::new(usable(serde_json::from_str(KEY).unwrap()).unwrap());
        let due = Instant::now().checked_sub(Duration::from_secs(1));
        let known = Known { keys: vec![key], due, tried: due, ..Known::default() };
        keys.known.store(Arc::new(known));
        for _ in 0..3 {
            assert!(keys.find(Some("one")).await.is_ok());
        }
        // It is being fetched, ahead of time, by one.
        let (_held, _) = silent.accept().await.unwrap();
        assert!(keys.fetching.try_lock().is_err());
        assert!(keys.find(Some("one")).await.is_ok());
    }
}
