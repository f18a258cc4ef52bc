//! Removes what has expired, once in a while, some rows at a time.

use std::{sync::Arc, time::Duration};

use crate::{
    installation::Installation,
    storage::{StorageError, Sweep},
};

/// After the start: a node that never runs long sweeps as well.
const FIRST: Duration = Duration::from_secs(20);

const EACH: Duration = Duration::from_secs(300);

/// Rounds after which the audit trails are looked at: an hour.
const AUDIT_EACH: u32 = 12;

/// Between two steps others are left this long.
const REST: Duration = Duration::from_millis(20);

pub(super) async fn run(app: Arc<Installation>) {
    tokio::time::sleep(FIRST).await;
    let mut rounds = 0_u32;
    loop {
        for what in Sweep::ALL {
            match sweep(&app, what).await {
                Ok(0) => {}
                Ok(rows) => tracing::info!(?what, rows, "expired rows were swept"),
                Err(why) => tracing::warn!(?what, error = %why, "expired rows could not be swept"),
            }
        }
        if rounds.is_multiple_of(AUDIT_EACH) {
            match sweep_audit(&app).await {
                Ok(0) => {}
                Ok(rows) => tracing::info!(rows, "old audit entries were swept"),
                Err(why) => tracing::warn!(error = %why, "old audit entries could not be swept"),
            }
        }
        rounds += 1;
        tokio::time::sleep(EACH).await;
    }
}

/// The audit trail of each tenant, which keeps it as long as it has decided.
async fn sweep_audit(app: &Installation) -> Result<usize, StorageError> {
    let (mut rows, mut after) = (0, String::new());
    loop {
        let page = app.storage.read_installation().await?.list_tenants(&after, 100).await?;
        for tenant in &page.items {
            loop {
                let (some, more) = app.storage.sweep_audit_of(tenant, app.effects.now()).await?;
                rows += some;
                tokio::time::sleep(REST).await;
                if !more {
                    break;
                }
            }
        }
        match page.next {
            Some(next) => after = next,
            None => return Ok(rows),
        }
    }
}

async fn sweep(app: &Installation, what: Sweep) -> Result<usize, StorageError> {
    let mut rows = 0;
    loop {
        let (some, more) = app.storage.sweep_some(what, app.effects.now()).await?;
        rows += some;
        if !more {
            return Ok(rows);
        }
        tokio::time::sleep(REST).await;
    }
}
