//! Limits on how often something may be tried, by key, with the clock that was handed in.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use governor::{
    Quota, RateLimiter,
    clock::Clock as _,
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::keyed::DashMapStateStore,
};

use crate::effects::Clock;

/// governor's view of our clock.
#[derive(Clone)]
struct Ticks(Arc<dyn Clock>);

impl governor::clock::Clock for Ticks {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let millis = u64::try_from(self.0.now().millis()).unwrap_or_default();
        Nanos::from(Duration::from_millis(millis))
    }
}

/// So many tries at once, then one each so many seconds.
pub struct Throttle {
    limiter: RateLimiter<String, DashMapStateStore<String>, Ticks, NoOpMiddleware<Nanos>>,
    clock: Ticks,
    /// Keys that have used up their tries, and the instant in milliseconds until which they have.
    exhausted: moka::sync::Cache<String, i64>,
}

impl Throttle {
    /// `burst` tries at once, then one each `seconds`.
    pub fn new(clock: Arc<dyn Clock>, burst: u32, seconds: u64) -> Self {
        let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
        let period = Duration::from_secs(seconds.max(1));
        // `with_period` refuses zero alone.
        let quota = Quota::with_period(period).unwrap_or(Quota::per_minute(NonZeroU32::MIN)).allow_burst(burst);
        let clock = Ticks(clock);
        let limiter = RateLimiter::new(quota, DashMapStateStore::default(), clock.clone());
        Self { limiter, clock, exhausted: moka::sync::Cache::new(100_000) }
    }

    /// Takes one try under `key`, before what is tried begins: of any number that come at
    /// once, no more than the limit pass.
    ///
    /// # Errors
    /// Seconds to wait.
    pub fn take(&self, key: &str) -> Result<(), u64> {
        self.limiter.check_key(&key.to_owned()).map_err(|until| {
            let wait = until.wait_time_from(self.clock.now()).as_secs() + 1;
            let lasts = i64::try_from(wait).unwrap_or(i64::MAX).saturating_mul(1000);
            self.exhausted.insert(key.to_owned(), self.clock.0.now().millis().saturating_add(lasts));
            wait
        })
    }

    /// Seconds to wait where `key` has used up its tries; takes none.
    pub fn wait_of(&self, key: &str) -> Option<u64> {
        let until = self.exhausted.get(key)?;
        let left = until - self.clock.0.now().millis();
        u64::try_from(left).ok().filter(|left| *left > 0).map(|left| left / 1000 + 1)
    }

    /// Forgets keys that have all their tries again.
    pub fn prune(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }

    /// How many keys are held.
    pub fn len(&self) -> usize {
        self.limiter.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.limiter.is_empty()
    }
}
