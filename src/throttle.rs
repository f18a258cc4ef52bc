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
};

use crate::effects::Clock;

/// At most so many failures at once; one is forgiven each so many seconds.
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
    /// `limit` failures at once; one forgiven each `seconds`.
    pub fn new(clock: Arc<dyn Clock>, limit: u32, seconds: u32) -> Self {
        Self::per(clock, limit, seconds.saturating_mul(1000))
    }

    /// `limit` at once; one forgiven each `millis` milliseconds.
    pub fn per(clock: Arc<dyn Clock>, limit: u32, millis: u32) -> Self {
        Self {
            clock,
            limit: limit.max(1).into(),
            forgiven_each_ms: i64::from(millis.max(1)),
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
        let entry = self.forgive(entries.get(&key).copied().unwrap_or(Entry { level: 0, at: now }), now);
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
        let mut levels: Vec<i64> = entries.values().map(|entry| self.forgive(*entry, now).level).collect();
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
