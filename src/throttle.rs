//! Limits on failures, by key, with the clock that was handed in.
//!
//! A try is counted before it begins and given back where it succeeds: of any number that
//! come at once no more than the limit are evaluated, and whoever knows the secret is never
//! slowed down by their own successes.
//!
//! Keys are of a fixed size, whatever strangers write, and there are so many at most.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, Hash, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::effects::Clock;

/// How much is let through: so many at once, and one more each so often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// At once.
    pub at_once: u32,
    /// One more each so often.
    pub then_each: Duration,
}

/// Client authentications that failed, of a client from one network (RFC 6749 §2.3.1): a client that retries
/// with an old secret is a busy one, and secrets of 256 bits cannot be guessed.
pub const CLIENT_FAILURES: Limit = Limit { at_once: 100, then_each: Duration::from_secs(1) };
/// Revocations of single tokens by a client for a subject: each is remembered by every node.
pub const REVOCATIONS: Limit = Limit { at_once: 1000, then_each: Duration::from_millis(50) };
/// Wrong passwords for a user, or for a name that is nobody's; and as many again from where the user has
/// signed in before, so that strangers lock nobody out (NIST SP 800-63B §3.2.2 allows 100 in all).
pub const PASSWORD_FAILURES: Limit = Limit { at_once: 20, then_each: Duration::from_secs(30) };
/// Wrong passwords from one network: a school or an office has one address.
pub const NETWORK_FAILURES: Limit = Limit { at_once: 300, then_each: Duration::from_secs(1) };
/// Refusals from one network at a tenant that are written one by one into the audit trail.
pub const TRAIL_OF_ORIGIN: Limit = Limit { at_once: 200, then_each: Duration::from_millis(500) };
/// Refusals at a tenant that are.
pub const TRAIL_OF_TENANT: Limit = Limit { at_once: 2000, then_each: Duration::from_millis(50) };

/// Holds failures to a [`Limit`].
pub struct Throttle {
    clock: Arc<dyn Clock>,
    limit: i64,
    forgiven_each_ms: i64,
    /// Two, so that nobody finds two keys that count as one.
    hashers: [RandomState; 2],
    entries: Mutex<HashMap<[u64; 2], Entry>>,
}

#[derive(Clone, Copy)]
struct Entry {
    /// Failures that are not forgiven yet, and tries that are under way.
    level: i64,
    /// Up to when forgiveness is already counted.
    at: i64,
}

/// Keys held at most. Past this, those with nothing to remember are dropped, and of the others those
/// with the fewest failures, down to half: a stranger who invents keys pushes out their like first.
const MOST: usize = 50_000;

/// A try under way. Dropped, it counts as a failure.
pub struct Attempt<'a> {
    throttle: &'a Throttle,
    key: [u64; 2],
}

impl Throttle {
    /// By `limit`.
    pub fn new(clock: Arc<dyn Clock>, limit: Limit) -> Self {
        let forgiven_each_ms =
            i64::try_from(limit.then_each.as_millis()).unwrap_or(i64::MAX).max(1);
        Self {
            clock,
            limit: limit.at_once.max(1).into(),
            forgiven_each_ms,
            hashers: Default::default(),
            entries: Mutex::default(),
        }
    }

    /// Begins a try under `key`.
    ///
    /// # Errors
    /// Seconds to wait, where the limit is reached.
    pub fn enter(&self, key: impl Hash) -> Result<Attempt<'_>, u64> {
        let key = self.hashers.each_ref().map(|hasher| hasher.hash_one(&key));
        let now = self.clock.now().millis();
        let mut entries = self.entries();
        if entries.len() >= MOST && !entries.contains_key(&key) {
            self.make_room(&mut entries, now);
        }
        let entry =
            self.forgive(entries.get(&key).copied().unwrap_or(Entry { level: 0, at: now }), now);
        if entry.level >= self.limit {
            let wait = (entry.at + self.forgiven_each_ms - now).max(0) / 1000 + 1;
            return Err(u64::try_from(wait).unwrap_or(1));
        }
        entries.insert(key, Entry { level: entry.level + 1, ..entry });
        Ok(Attempt { throttle: self, key })
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<[u64; 2], Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make_room(&self, entries: &mut HashMap<[u64; 2], Entry>, now: i64) {
        entries.retain(|_, entry| self.forgive(*entry, now).level > 0);
        if entries.len() <= MOST / 2 {
            return;
        }
        let mut levels: Vec<i64> =
            entries.values().map(|entry| self.forgive(*entry, now).level).collect();
        levels.sort_unstable();
        let least = levels.get(levels.len() - MOST / 2).copied().unwrap_or_default();
        entries.retain(|_, entry| self.forgive(*entry, now).level > least);
    }

    fn forgive(&self, entry: Entry, now: i64) -> Entry {
        let periods = ((now - entry.at) / self.forgiven_each_ms).max(0);
        let level = (entry.level - periods).max(0);
        // From nothing, the count of time begins anew.
        let at = if level == 0 { now } else { entry.at + periods * self.forgiven_each_ms };
        Entry { level, at }
    }

    /// How many keys are held.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Attempt<'_> {
    /// Gives the try back.
    pub fn succeeded(self) {
        let mut entries = self.throttle.entries();
        if let Some(entry) = entries.get_mut(&self.key) {
            entry.level -= 1;
            if entry.level <= 0 {
                entries.remove(&self.key);
            }
        }
    }
}
