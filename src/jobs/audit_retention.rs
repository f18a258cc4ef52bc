//! Removes old entries of the audit trails, each tenant's when it has decided.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::sync::Mutex;

use super::{Job, Work};
use crate::{
    domain::Tenant,
    storage::{Step, StorageError},
};

/// How often a node looks whether the next round is its own.
const LOOK_EACH: Duration = Duration::from_secs(30);

const EACH: Duration = Duration::from_secs(3600);

/// Goes from tenant to tenant.
#[derive(Default)]
pub(super) struct AuditRetention(Mutex<Position>);

#[derive(Default)]
struct Position {
    /// Tenants whose turn is next.
    waiting: VecDeque<Arc<Tenant>>,
    /// Where the page after them begins; `None` where there is none.
    next: Option<String>,
}

#[async_trait::async_trait]
impl Job for AuditRetention {
    fn name(&self) -> &'static str {
        "audit retention"
    }

    async fn next_round(&self, work: &Work) -> Result<bool, StorageError> {
        tokio::time::sleep(LOOK_EACH).await;
        *self.0.lock().await = Position { waiting: VecDeque::new(), next: Some(String::new()) };
        work.storage.begin_round(self.name(), work.revocations.node(), EACH).await
    }

    async fn step(&self, work: &Work) -> Result<Step, StorageError> {
        let mut position = self.0.lock().await;
        if let (true, Some(after)) = (position.waiting.is_empty(), position.next.take()) {
            let page = work.storage.read_installation().await?.list_tenants(&after, 100).await?;
            *position = Position {
                waiting: page.items.into_iter().map(Arc::new).collect(),
                next: page.next,
            };
        }
        let Some(tenant) = position.waiting.front().cloned() else { return Ok(Step::Idle) };
        let (step, more) = work.storage.sweep_audit_of(&tenant, work.effects.now()).await?;
        if !more {
            position.waiting.pop_front();
        }
        Ok(step)
    }
}
