//! Settles what endings and deletions have left: marks or removes rows, some at a time.

use std::time::Duration;

use super::{Job, Work};
use crate::storage::{Step, StorageError};

/// How often it is looked whether a job waits, though no ending here has rung: one of another
/// process, or one whose node has died.
const LOOK_EACH: Duration = Duration::from_secs(3);

pub(super) struct Settle;

#[async_trait::async_trait]
impl Job for Settle {
    fn name(&self) -> &'static str {
        "settle"
    }

    /// Each node takes part: the jobs that wait are leased one by one.
    async fn next_round(&self, work: &Work) -> Result<bool, StorageError> {
        // What was left before this node began rings no bell, and whether it was rung or it is time makes
        // no difference.
        if !work.storage.has_settlement(work.revocations.node()).await? {
            let _ = tokio::time::timeout(LOOK_EACH, work.revocations.ended()).await;
        }
        Ok(true)
    }

    async fn step(&self, work: &Work) -> Result<Step, StorageError> {
        work.storage.settle_some(work.revocations.node(), work.effects.now()).await
    }
}
