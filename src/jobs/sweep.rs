//! Removes what has expired, once in a while, some rows at a time.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use super::{Job, Work};
use crate::storage::{Step, StorageError, Sweep};

/// How often a node looks whether the next round is its own: also after the start, since a node that
/// never runs long sweeps as well.
const LOOK_EACH: Duration = Duration::from_secs(20);

const EACH: Duration = Duration::from_secs(300);

/// Goes from table to table.
#[derive(Default)]
pub(super) struct Sweeping {
    /// How many tables of the round are done.
    done: AtomicUsize,
}

#[async_trait::async_trait]
impl Job for Sweeping {
    fn name(&self) -> &'static str {
        "sweep"
    }

    async fn next_round(&self, work: &Work) -> Result<bool, StorageError> {
        tokio::time::sleep(LOOK_EACH).await;
        self.done.store(0, Ordering::Relaxed);
        work.storage.begin_round(self.name(), work.revocations.node(), EACH).await
    }

    async fn step(&self, work: &Work) -> Result<Step, StorageError> {
        let Some(what) = Sweep::ALL.get(self.done.load(Ordering::Relaxed)) else {
            return Ok(Step::Idle);
        };
        let (step, more) = work.storage.sweep_some(*what, work.effects.now()).await?;
        if !more {
            self.done.fetch_add(1, Ordering::Relaxed);
        }
        Ok(step)
    }
}
