//! What was ended at an issuer, as far as a token can still meet it.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
    time::{Duration, Instant},
};

use serde::Deserialize;

use crate::principal::Principal;

/// What to do with a good token while the guard has not heard from the issuer for longer than its bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenBehind {
    /// Refuse it, with 503: whoever was signed out stays out.
    #[default]
    Refuse,
    /// Ask the issuer about it (RFC 7662), and refuse it with 503 where that cannot be had either.
    AskIntrospection,
    /// Let it pass until it expires, and count it.
    GoOn,
}

/// A choice that is none of the three.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is none of refuse, ask-introspection, go-on")]
pub struct NoChoice(String);

impl std::str::FromStr for WhenBehind {
    type Err = NoChoice;

    fn from_str(text: &str) -> Result<Self, NoChoice> {
        match text {
            "refuse" => Ok(Self::Refuse),
            "ask-introspection" => Ok(Self::AskIntrospection),
            "go-on" => Ok(Self::GoOn),
            other => Err(NoChoice(other.to_owned())),
        }
    }
}

const PRUNE_EACH: Duration = Duration::from_secs(10);

/// An event of the feed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Event {
    pub(crate) n: i64,
    kind: String,
    id: String,
    until: u64,
}

#[derive(Clone, Copy)]
struct Held {
    n: i64,
    until: u64,
}

type ById = HashMap<String, Held>;

#[derive(Default)]
struct InForce {
    tokens: ById,
    grants: ById,
    sessions: ById,
    keys: ById,
    users: ById,
    clients: ById,
    tenant: ById,
    heard: Option<Instant>,
    pruned: Option<Instant>,
}

/// What a guard knows of a token's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Good,
    Ended,
    /// It cannot be said: nothing was heard for too long.
    Behind,
}

#[derive(Default)]
pub(crate) struct Endings(RwLock<InForce>);

// A poisoned lock means that a thread died between two map operations; the maps themselves are whole.
macro_rules! unpoisoned {
    ($lock:expr) => {
        $lock.unwrap_or_else(PoisonError::into_inner)
    };
}

impl Endings {
    /// Takes an event up. One of a kind that is not known here says that this crate is too old to know: it ends
    /// everything that was made before, since it may speak of anything.
    pub(crate) fn apply(&self, event: Event) {
        let mut in_force = unpoisoned!(self.0.write());
        let (by_id, id) = match event.kind.as_str() {
            "token" => (&mut in_force.tokens, event.id),
            "grant" => (&mut in_force.grants, event.id),
            "session" => (&mut in_force.sessions, event.id),
            "key" => (&mut in_force.keys, event.id),
            "user" => (&mut in_force.users, event.id),
            "client" => (&mut in_force.clients, event.id),
            "tenant" => (&mut in_force.tenant, String::new()),
            kind => {
                tracing::error!(
                    kind,
                    "an ending of a kind that this guard does not know: everything before it is refused"
                );
                (&mut in_force.tenant, String::new())
            }
        };
        let held = by_id.entry(id).or_insert(Held { n: event.n, until: event.until });
        held.n = held.n.max(event.n);
        held.until = held.until.max(event.until);
    }

    /// Notes that the issuer has been heard: at this moment nothing else had ended.
    pub(crate) fn heard(&self, at: Instant) {
        let mut in_force = unpoisoned!(self.0.write());
        in_force.heard = in_force.heard.max(Some(at));
    }

    /// Drops, now and then, what no token can meet any more.
    pub(crate) fn prune(&self, before: u64) {
        let mut in_force = unpoisoned!(self.0.write());
        if in_force.pruned.is_some_and(|at| at.elapsed() < PRUNE_EACH) {
            return;
        }
        in_force.pruned = Some(Instant::now());
        let InForce { tokens, grants, sessions, keys, users, clients, tenant, .. } = &mut *in_force;
        for by_id in [tokens, grants, sessions, keys, users, clients, tenant] {
            by_id.retain(|_, held| held.until >= before);
        }
    }

    /// What is known of a token.
    pub(crate) fn judge(&self, principal: &Principal, bound: Duration) -> Verdict {
        let in_force = unpoisoned!(self.0.read());
        let claims = &principal.claims;
        let ever = |by_id: &ById, id: Option<&str>| id.is_some_and(|id| by_id.contains_key(id));
        let before = |by_id: &ById, id: &str| by_id.get(id).is_some_and(|held| claims.rev < held.n);
        let is_ended = ever(&in_force.sessions, claims.sid.as_deref())
            || ever(&in_force.grants, claims.gid.as_deref())
            || ever(&in_force.tokens, Some(claims.jti.as_str()))
            || ever(&in_force.keys, principal.key_id.as_deref())
            || before(&in_force.users, &claims.sub)
            || before(&in_force.clients, &claims.client_id)
            || before(&in_force.tenant, "");
        if is_ended {
            Verdict::Ended
        } else if in_force.heard.is_some_and(|at| at.elapsed() <= bound) {
            Verdict::Good
        } else {
            Verdict::Behind
        }
    }

    /// How many endings are held.
    pub(crate) fn len(&self) -> usize {
        let InForce { tokens, grants, sessions, keys, users, clients, tenant, .. } =
            &*unpoisoned!(self.0.read());
        [tokens, grants, sessions, keys, users, clients, tenant]
            .iter()
            .map(|by_id| by_id.len())
            .sum()
    }

    /// How long ago the issuer was heard.
    pub(crate) fn silent_for(&self) -> Option<Duration> {
        unpoisoned!(self.0.read()).heard.map(|at| at.elapsed())
    }
}
