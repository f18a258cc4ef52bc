//! A tenant as it is shown.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Resource, ScopeDefinition, Tenant, TenantSettings, Timestamp};

/// A tenant.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TenantView {
    /// Its identifier.
    pub id: String,
    /// Its name in addresses.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// `active` or `suspended`.
    pub status: String,
    /// Its issuer.
    pub issuer: String,
    /// What it decides for itself.
    pub settings: TenantSettings,
    /// Its scopes beyond the built-in ones.
    pub scopes: Vec<ScopeDefinition>,
    /// Its audiences.
    pub resources: Vec<Resource>,
    /// Raised by each change; also the `ETag`.
    pub version: i64,
    /// When it was made.
    #[schema(value_type = String)]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String)]
    pub updated_at: Timestamp,
}

impl TenantView {
    /// A tenant as it is shown.
    pub fn of(tenant: &Tenant, issuer: String) -> Self {
        Self {
            id: tenant.id.to_string(),
            slug: tenant.slug.to_string(),
            name: tenant.name.clone(),
            status: tenant.status.as_str().to_owned(),
            issuer,
            settings: tenant.settings.clone(),
            scopes: tenant.scopes.clone(),
            resources: tenant.resources.clone(),
            version: tenant.version,
            created_at: tenant.created_at,
            updated_at: tenant.updated_at,
        }
    }
}
