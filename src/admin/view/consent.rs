//! A consent as it is shown.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{domain::Timestamp, protocol::Scope, storage::Consent};

/// What a user has allowed a client.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConsentView {
    /// The client.
    pub client_id: String,
    /// What it was allowed.
    #[schema(value_type = String)]
    pub scope: Scope,
    /// When the user was last asked.
    #[schema(value_type = String)]
    pub granted_at: Timestamp,
}

impl From<Consent> for ConsentView {
    fn from(consent: Consent) -> Self {
        let Consent { client_id, scope, granted_at } = consent;
        Self { client_id, scope, granted_at }
    }
}
