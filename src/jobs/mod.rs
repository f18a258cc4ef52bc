//! What runs beside the requests.

mod settle;
mod sweep;

use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinHandle;

use crate::installation::Installation;

/// The tasks of a running server.
#[derive(Default)]
pub(crate) struct Jobs(Mutex<Vec<JoinHandle<()>>>);

impl Jobs {
    /// Starts following the events, settling endings, and sweeping.
    pub(crate) fn start(&self, app: &Arc<Installation>) {
        let following = Arc::clone(&app.revocations);
        let follow = tokio::spawn(async move { following.run().await });
        let settle = tokio::spawn(settle::run(Arc::clone(app)));
        let sweep = tokio::spawn(sweep::run(Arc::clone(app)));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend([follow, settle, sweep]);
    }

    /// Stops them, writes what waits, and says good-bye to the other nodes.
    pub(crate) async fn stop(&self, app: &Installation) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).drain(..).for_each(|task| task.abort());
        app.audit.flush().await;
        if let Err(why) = app.revocations.leave().await {
            tracing::warn!(error = %why, "this node could not say good-bye");
        }
    }
}
