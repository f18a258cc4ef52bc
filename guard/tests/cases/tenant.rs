//! One issuer that the test plays: its keys, and its feed of endings, which may fail in ways of its own.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::keys::Key;

/// An event of the feed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) n: i64,
    kind: String,
    id: String,
    #[serde(default = "far")]
    until: u64,
}

fn far() -> u64 {
    4_102_444_800
}

/// How the feed behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Manner {
    Speaks,
    /// It takes requests and says nothing.
    Silent,
    Away,
}

/// What introspection says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Introspection {
    Active,
    Inactive,
    Away,
}

/// What changes.
pub(crate) struct Now {
    pub(crate) keys: BTreeMap<String, Arc<Key>>,
    pub(crate) keys_are_away: bool,
    /// Keys say no longer what they are for.
    pub(crate) leaves_alg_out: bool,
    pub(crate) events: Vec<Event>,
    pub(crate) manner: Manner,
    pub(crate) introspection: Introspection,
    /// The next event is cut in its middle.
    pub(crate) cuts: bool,
    /// Counted up where every stream is to end.
    pub(crate) streams: u64,
    pub(crate) tokens: HashSet<String>,
}

/// One of them.
pub(crate) struct Tenant {
    pub(crate) url: String,
    /// The key `one`, also once it is gone.
    pub(crate) first: Arc<Key>,
    now: Mutex<Now>,
    changed: watch::Sender<()>,
    pub(crate) fetched: AtomicUsize,
}

impl Tenant {
    pub(crate) fn new(url: String, keys: BTreeMap<String, Arc<Key>>, events: Vec<Event>) -> Self {
        let first = Arc::clone(&keys["one"]);
        let now = Now {
            keys,
            keys_are_away: false,
            leaves_alg_out: false,
            events,
            manner: Manner::Speaks,
            introspection: Introspection::Active,
            cuts: false,
            streams: 0,
            tokens: HashSet::new(),
        };
        Self {
            url,
            first,
            now: Mutex::new(now),
            changed: watch::Sender::new(()),
            fetched: AtomicUsize::new(0),
        }
    }

    /// Changes it, and wakes who waits for that.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Now)) {
        change(&mut self.now.lock().unwrap());
        self.changed.send_replace(());
    }

    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    pub(crate) fn see<T>(&self, look: impl FnOnce(&Now) -> T) -> T {
        look(&self.now.lock().unwrap())
    }

    /// RFC 8414.
    pub(crate) fn metadata(&self) -> Value {
        let url = &self.url;
        json!({
            "issuer": url,
            "jwks_uri": format!("{url}/jwks"),
            "token_endpoint": format!("{url}/token"),
            "introspection_endpoint": format!("{url}/introspect"),
        })
    }

    /// Its key set: with one of a kind that nobody knows, one that is a secret, and one that encrypts.
    pub(crate) fn jwks(&self) -> Value {
        self.fetched.fetch_add(1, Ordering::SeqCst);
        let mut keys = vec![
            json!({ "kty": "XX", "kid": "odd" }),
            json!({ "kty": "oct", "kid": "s", "k": "c2VjcmV0" }),
        ];
        self.see(|now| {
            for (id, key) in &now.keys {
                let mut jwk = key.jwk(id, if id == "enc" { "enc" } else { "sig" });
                if now.leaves_alg_out {
                    jwk.as_object_mut().unwrap().remove("alg");
                }
                keys.push(jwk);
            }
        });
        json!({ "keys": keys })
    }

    /// A token for the feed.
    pub(crate) fn grant(&self) -> String {
        let token = format!("feed-{}", next_number());
        self.change(|now| {
            now.tokens.insert(token.clone());
        });
        token
    }
}

/// A number that was not given before.
pub(crate) fn next_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    NEXT.fetch_add(1, Ordering::SeqCst)
}

impl Now {
    /// The number of the last event.
    pub(crate) fn head(&self) -> i64 {
        self.events.last().map_or(0, |event| event.n)
    }
}
