//! Removes what has expired, once in a while.

use std::{sync::Arc, time::Duration};

use crate::{installation::Installation, storage::StorageError};

const EACH: Duration = Duration::from_secs(600);

pub(super) async fn run(app: Arc<Installation>) {
    loop {
        tokio::time::sleep(EACH).await;
        match sweep(&app).await {
            Ok(0) => {}
            Ok(gone) => tracing::info!(gone, "expired rows removed"),
            Err(why) => tracing::warn!(error = %why, "expired rows could not be removed"),
        }
    }
}

async fn sweep(app: &Installation) -> Result<usize, StorageError> {
    let mut unit = app.storage.write().await?;
    let gone = unit.sweep(app.effects.now()).await?;
    unit.commit().await?;
    Ok(gone)
}
