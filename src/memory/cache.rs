//! Values held in memory until a change is heard of.

use std::{
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// A bounded map of what the database last said.
pub struct Cache<K, V> {
    map: moka::sync::Cache<K, V>,
    /// How many changes were heard of. Held while a value is put in or taken out: a change that
    /// comes between the look at it and the putting in would find nothing to take out.
    changes: Mutex<u64>,
}

/// How long a value stays at most: a net under the events, should one be missed.
const NET: Duration = Duration::from_secs(60);

impl<K: Hash + Eq + Send + Sync + 'static, V: Clone + Send + Sync + 'static> Cache<K, V> {
    /// A cache of at most `most` values.
    pub fn new(most: u64) -> Self {
        let map = moka::sync::Cache::builder().max_capacity(most).time_to_live(NET).build();
        Self { map, changes: Mutex::new(0) }
    }

    /// The value under `key`, from `load` where it is not held, or where what is held is no longer
    /// fresh. "None" is not held: names that do not exist are free to invent, and would push out those
    /// that do.
    ///
    /// # Errors
    /// What `load` answers.
    pub async fn find_or<E, F>(
        &self,
        key: K,
        is_fresh: bool,
        load: impl FnOnce() -> F,
    ) -> Result<Option<V>, E>
    where
        F: Future<Output = Result<Option<V>, E>>,
    {
        // Loading is boxed: it is rare, and large, and its room would be copied with each request's.
        if !is_fresh {
            return Box::pin(load()).await;
        }
        if let Some(held) = self.map.get(&key) {
            return Ok(Some(held));
        }
        let before = *self.changes();
        let Some(value) = Box::pin(load()).await? else { return Ok(None) };
        // A change that came while the database was being asked may be younger than its answer.
        let changes = self.changes();
        if *changes == before {
            self.map.insert(key, value.clone());
        }
        drop(changes);
        Ok(Some(value))
    }

    fn changes(&self) -> MutexGuard<'_, u64> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets one value.
    pub fn forget(&self, key: &K) {
        let mut changes = self.changes();
        *changes += 1;
        self.map.invalidate(key);
    }

    /// Hears of a change to a value that is not held: one that is being loaded is not put in.
    pub fn forget_unheld(&self) {
        *self.changes() += 1;
    }

    /// Forgets all of them.
    pub fn forget_all(&self) {
        let mut changes = self.changes();
        *changes += 1;
        self.map.invalidate_all();
    }
}
