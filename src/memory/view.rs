//! How far this node has followed the events, and how old that view is.

use std::{
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::domain::EventNumber;

/// A view older than this is not answered from; the bound that is promised is two seconds.
const FRESH: Duration = Duration::from_millis(1800);

/// How much this node knows, and since when.
///
/// What is held in memory (tenants, clients, keys, endings) is good as long as this view is.
#[derive(Default)]
pub struct View {
    applied: AtomicI64,
    times: RwLock<Times>,
}

#[derive(Default, Clone, Copy)]
struct Times {
    /// When the question was put whose answer was applied last.
    whole_at: Option<Instant>,
    /// Since when, without a break, and until when other nodes count on this one.
    lease: Option<(Instant, Instant)>,
}

impl View {
    /// The number of the last event that was applied here: to the endings and the caches first,
    /// then to this number.
    pub fn applied(&self) -> EventNumber {
        EventNumber(self.applied.load(Ordering::SeqCst))
    }

    /// Notes that everything up to `seq` was applied.
    pub fn advance(&self, seq: EventNumber) {
        self.applied.fetch_max(seq.0, Ordering::SeqCst);
    }

    /// Notes that the view was whole at `asked`.
    pub fn refreshed(&self, asked: Instant) {
        self.write().whole_at = Some(asked);
    }

    /// Notes that other nodes count on this one until `until`.
    ///
    /// Where the lease before was over by now, others may have said meanwhile that an ending is in
    /// force everywhere and not have asked this node: what it knew from before counts no more.
    pub fn leased(&self, until: Instant) {
        let now = Instant::now();
        let mut times = self.write();
        let since = times.lease.filter(|(_, over)| now < *over).map_or(now, |(since, _)| since);
        times.lease = Some((since, until));
    }

    /// Notes that nobody counts on this node any more.
    pub fn give_up(&self) {
        *self.write() = Times::default();
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Times> {
        self.times.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn times(&self) -> Times {
        *self.times.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long ago the view was whole; for ever, where it never was.
    pub fn age(&self) -> Duration {
        self.times().whole_at.map_or(Duration::MAX, |at| at.elapsed())
    }

    /// Whether the events were followed just now.
    pub fn is_current(&self) -> bool {
        self.age() <= FRESH
    }

    /// Whether this node may answer from memory. It may not without a lease: others would say
    /// that an ending is in force everywhere and not have asked it.
    pub fn is_fresh(&self) -> bool {
        let Times { whole_at: Some(whole_at), lease: Some((since, until)) } = self.times() else {
            return false;
        };
        whole_at.elapsed() <= FRESH && since <= whole_at && Instant::now() < until
    }
}
