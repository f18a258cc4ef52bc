//! What every handler works with.

use std::sync::Arc;

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
}

impl Site {
    /// The context of the administrators' use cases.
    pub(crate) fn admin(&self) -> Admin<'_> {
        Admin { app: &self.app, accounts: &self.accounts }
    }
}
