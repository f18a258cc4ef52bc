//! Settles what endings and deletions have left: marks or removes rows, some at a time.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use super::{Job, Work};
use crate::storage::{Step, StorageError};

/// How often it is looked whether a job waits, though no ending here has rung: one of another
/// process, or one whose node has died.
const LOOK_EACH: Duration = Duration::from_secs(3);

#[derive(Default)]
pub(super) struct Settle {
    /// Whether the last look found nothing: what was left before this node began rings no bell.
    is_idle: AtomicBool,
}

#[async_trait::async_trait]
impl Job for Settle {
    fn name(&self) -> &'static str {
        "settle"
    }

    /// Each node takes part: the jobs that wait are leased one by one.
    async fn next_round(&self, work: &Work) -> Result<bool, StorageError> {
        if self.is_idle.load(Ordering::Relaxed) {
            // Whether it was rung or it is time makes no difference.
            let _ = tokio::time::timeout(LOOK_EACH, work.revocations.ended()).await;
        }
        Ok(true)
    }

    async fn step(&self, work: &Work) -> Result<Step, StorageError> {
        // Where it cannot be told, it is not waited for.
        self.is_idle.store(false, Ordering::Relaxed);
        let step = work.storage.settle_some(work.revocations.node(), work.effects.now()).await?;
        self.is_idle.store(step == Step::Idle, Ordering::Relaxed);
        Ok(step)
    }
}
