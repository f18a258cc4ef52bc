//! Removes what has expired, once in a while, some rows at a time.

use std::{sync::Arc, time::Duration};

use crate::{
    installation::Installation,
    storage::{StorageError, Sweep},
};

/// After the start: a node that never runs long sweeps as well.
const FIRST: Duration = Duration::from_secs(20);

const EACH: Duration = Duration::from_secs(300);

/// Between two steps others are left this long.
const REST: Duration = Duration::from_millis(20);

pub(super) async fn run(app: Arc<Installation>) {
    tokio::time::sleep(FIRST).await;
    loop {
        for what in Sweep::ALL {
            match sweep(&app, what).await {
                Ok(0) => {}
                Ok(rows) => tracing::info!(?what, rows, "expired rows were swept"),
                Err(why) => tracing::warn!(?what, error = %why, "expired rows could not be swept"),
            }
        }
        tokio::time::sleep(EACH).await;
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
