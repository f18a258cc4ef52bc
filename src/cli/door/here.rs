//! The admin API in this process, over the database.

use std::sync::Arc;

use serde_json::Value;

use super::Refused;
use crate::{
    admin::Authority,
    cli::Failure,
    outside::Method,
    web::{Site, in_process::Api},
};

/// The admin API in this process, for whoever has a shell on the server.
pub(in crate::cli) struct Here {
    api: Api,
    authority: Authority,
    site: Arc<Site>,
}

impl Here {
    /// Opens it over a site.
    pub(in crate::cli) async fn open(
        site: Arc<Site>,
        authority: Authority,
    ) -> Result<Self, Failure> {
        Ok(Self { api: Api::over(Arc::clone(&site)).await?, authority, site })
    }

    /// What it works with.
    pub(in crate::cli) fn site(&self) -> &Site {
        &self.site
    }

    pub(super) async fn call(
        &self,
        method: &Method,
        at: &str,
        body: Option<&Value>,
    ) -> Result<(u16, String), Refused> {
        self.api.call(self.authority.clone(), method, at, body).await.map_err(Refused::unanswered)
    }
}
