//! What every handler works with.

use std::sync::Arc;

use tokio::sync::{Semaphore, watch};

use super::Metrics;
use crate::{accounts::Accounts, admin::Admin, installation::Installation, views::Renderer};

/// What every handler works with.
pub struct Site {
    /// The installation.
    pub app: Arc<Installation>,
    /// Users proving who they are.
    pub accounts: Arc<Accounts>,
    /// The pages.
    pub views: Renderer,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Answers without an end of their own, which hold a connection each.
    pub streams: Arc<Semaphore>,
    /// Whether the server is on its way out: answers without an end of their own end then.
    pub closing: watch::Sender<bool>,
}

/// Streams that are open at most, where there are connections enough.
const MOST_STREAMS: usize = 3_000;

impl Site {
    /// What handlers of this installation work with.
    pub fn new(app: Arc<Installation>, accounts: Arc<Accounts>, views: Renderer) -> Self {
        let (closing, _) = watch::channel(false);
        let streams = Arc::new(Semaphore::new(MOST_STREAMS));
        Self { app, accounts, views, metrics: Arc::default(), streams, closing }
    }

    /// Lets streams have three fifths of a listener's `connections`, and leaves the others to requests. Once, before
    /// anybody streams.
    pub(crate) fn let_streams_have(&self, connections: usize) {
        self.streams.forget_permits(MOST_STREAMS.saturating_sub(connections * 3 / 5));
    }

    /// The context of the administrators' use cases.
    pub(crate) fn admin(&self) -> Admin<'_> {
        Admin { app: &self.app, accounts: &self.accounts }
    }
}
