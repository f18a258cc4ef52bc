//! Settles what endings and deletions have left: marks or removes rows, some at a time.

use std::{sync::Arc, time::Duration};

use crate::{installation::Installation, storage::Step};

/// How often it is looked whether a job waits, though no ending here has rung: one of another
/// process, or one whose node has died.
const LOOK_EACH: Duration = Duration::from_secs(3);

/// Between two steps others are left this many times as long as the step took.
const REST: u32 = 2;

pub(super) async fn run(app: Arc<Installation>) {
    let node = app.revocations.node();
    loop {
        match app.storage.settle_some(node, app.effects.now()).await {
            Ok(Step::Done { took, .. }) => tokio::time::sleep(took * REST).await,
            Ok(Step::Idle) => wait(&app).await,
            Err(why) => {
                tracing::warn!(error = %why, "an ending could not be settled yet");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn wait(app: &Installation) {
    // Whether it was rung or it is time makes no difference.
    let _ = tokio::time::timeout(LOOK_EACH, app.revocations.ended()).await;
}
