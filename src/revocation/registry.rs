//! The cut-offs in force, in memory: a handful of hash look-ups a token.

use std::{
    collections::HashMap,
    sync::{
        RwLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    domain::{Cutoff, CutoffKind, TenantId, Timestamp},
    protocol::AccessTokenClaims,
};

type Key = (TenantId, CutoffKind, String);

/// A cut-off, and when it came.
struct Held {
    cutoff: Cutoff,
    since: Instant,
}

impl Held {
    /// Whether no living token can meet it, by the clock and by the time that has really
    /// passed: a clock that jumps ahead and back must not bring anything back to life.
    fn is_stale(&self, now: Timestamp) -> bool {
        let lives = self.cutoff.expires_at.millis() - self.cutoff.at.millis();
        let lives = Duration::from_millis(u64::try_from(lives).unwrap_or_default());
        self.cutoff.expires_at.plus(60) < now && self.since.elapsed() >= lives
    }
}

/// The cut-offs that a node knows of.
#[derive(Default)]
pub struct Registry {
    cutoffs: RwLock<HashMap<Key, Held>>,
    applied: AtomicI64,
    refreshed: RwLock<Option<Instant>>,
}

/// What an access token can be cut off by.
#[derive(Debug, Clone, Copy)]
pub struct Subjects<'a> {
    /// Its own identifier.
    pub jti: &'a str,
    /// The user, or the client where no user took part.
    pub sub: &'a str,
    /// The client.
    pub client_id: &'a str,
    /// The session.
    pub sid: Option<&'a str>,
    /// The grant.
    pub gid: Option<&'a str>,
    /// When it was issued.
    pub issued_at: Timestamp,
}

impl<'a> Subjects<'a> {
    /// What `claims` can be cut off by.
    pub fn of(claims: &'a AccessTokenClaims) -> Self {
        Self {
            jti: &claims.jti,
            sub: &claims.sub,
            client_id: &claims.client_id,
            sid: claims.sid.as_deref(),
            gid: claims.gid.as_deref(),
            issued_at: Timestamp::from_millis(claims.iat_ms),
        }
    }

    fn name(&self, kind: CutoffKind) -> Option<&'a str> {
        match kind {
            CutoffKind::Tenant => None,
            CutoffKind::Client => Some(self.client_id),
            CutoffKind::User => Some(self.sub),
            CutoffKind::Session => self.sid,
            CutoffKind::Grant => self.gid,
            CutoffKind::Token => Some(self.jti),
        }
    }

    /// Every subject by name, for a query.
    pub(super) fn names(&self, tenant: TenantId) -> Vec<String> {
        let mut names: Vec<String> =
            CutoffKind::ALL.iter().filter_map(|kind| self.name(*kind)).map(str::to_owned).collect();
        names.push(tenant.to_string());
        names
    }

    /// Whether `cutoff`, one of the same tenant, refuses this token.
    pub(super) fn met_by(&self, cutoff: &Cutoff) -> bool {
        let named = match cutoff.kind {
            CutoffKind::Tenant => true,
            kind => self.name(kind) == Some(cutoff.subject.as_str()),
        };
        named && cutoff.refuses(self.issued_at)
    }
}

// A poisoned lock means that a thread died between two map operations; the map itself is whole.
macro_rules! unpoisoned {
    ($lock:expr) => {
        $lock.unwrap_or_else(std::sync::PoisonError::into_inner)
    };
}

impl Registry {
    /// Whether a cut-off that is known here refuses the token.
    pub fn refuses(&self, tenant: TenantId, token: &Subjects<'_>) -> bool {
        let cutoffs = unpoisoned!(self.cutoffs.read());
        if cutoffs.is_empty() {
            return false;
        }
        CutoffKind::ALL.into_iter().any(|kind| {
            let subject = match kind {
                CutoffKind::Tenant => Some(tenant.to_string()),
                kind => token.name(kind).map(str::to_owned),
            };
            let found = subject.and_then(|subject| cutoffs.get(&(tenant, kind, subject)));
            found.is_some_and(|held| held.cutoff.refuses(token.issued_at))
        })
    }

    /// Adds a cut-off; of two for one subject the later stays.
    pub fn insert(&self, cutoff: Cutoff) {
        let key = (cutoff.tenant_id, cutoff.kind, cutoff.subject.clone());
        let mut cutoffs = unpoisoned!(self.cutoffs.write());
        match cutoffs.get(&key) {
            Some(known) if known.cutoff.at > cutoff.at => {}
            _ => {
                cutoffs.insert(key, Held { cutoff, since: Instant::now() });
            }
        }
    }

    /// The number of the last event that was read in order.
    pub fn applied(&self) -> i64 {
        self.applied.load(Ordering::SeqCst)
    }

    /// Notes that the events up to `seq` were read.
    pub fn advance(&self, seq: i64) {
        self.applied.store(seq, Ordering::SeqCst);
    }

    /// Begins to read from the first event again; what is known stays known.
    pub fn restart(&self) {
        self.advance(0);
    }

    /// Notes that the view was whole at `at`.
    pub fn refreshed(&self, at: Instant) {
        *unpoisoned!(self.refreshed.write()) = Some(at);
    }

    /// How long ago the view was whole; for ever, where it never was.
    pub fn age(&self) -> Duration {
        unpoisoned!(self.refreshed.read()).map_or(Duration::MAX, |at| at.elapsed())
    }

    /// Drops cut-offs that no living token can meet.
    pub fn prune(&self, now: Timestamp) {
        // Most looks find nothing to drop; they take the read lock alone.
        if unpoisoned!(self.cutoffs.read()).values().any(|held| held.is_stale(now)) {
            unpoisoned!(self.cutoffs.write()).retain(|_, held| !held.is_stale(now));
        }
    }

    /// The cut-offs that can still meet a token.
    pub fn live(&self, now: Timestamp) -> Vec<Cutoff> {
        let cutoffs = unpoisoned!(self.cutoffs.read());
        cutoffs.values().map(|held| &held.cutoff).filter(|cutoff| cutoff.expires_at > now).cloned().collect()
    }

    /// How many cut-offs are held.
    pub fn len(&self) -> usize {
        unpoisoned!(self.cutoffs.read()).len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
