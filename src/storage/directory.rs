//! Tenants and clients from memory.

use std::sync::Arc;

use super::{Cache, Storage, StorageError};
use crate::domain::{Change, Client, GrantType, Slug, Tenant, TenantId};

/// What every request needs and seldom changes.
pub struct Directory {
    storage: Storage,
    tenants: Cache<Slug, Arc<Tenant>>,
    clients: Cache<(TenantId, String), Arc<Client>>,
    grants: Cache<TenantId, Arc<Vec<GrantType>>>,
}

impl Directory {
    /// A directory over `storage`.
    pub fn new(storage: Storage) -> Self {
        Self { storage, tenants: Cache::new(10_000), clients: Cache::new(100_000), grants: Cache::new(10_000) }
    }

    /// The tenant with this slug, suspended ones too.
    pub async fn find_tenant(&self, slug: &Slug) -> Result<Option<Arc<Tenant>>, StorageError> {
        let load = async {
            let tenant = self.storage.read().await?.find_tenant(slug).await?;
            Ok::<_, StorageError>(tenant.map(Arc::new))
        };
        self.tenants.find_or(slug.clone(), load).await
    }

    /// The client of `tenant` with this identifier.
    pub async fn find_client(&self, tenant: &Tenant, client_id: &str) -> Result<Option<Arc<Client>>, StorageError> {
        // No client has such an identifier, and PostgreSQL has no text with a NUL in it.
        if client_id.len() > 128 || client_id.contains('\0') {
            return Ok(None);
        }
        let load = async {
            let client = self.storage.read().await?.tenant(tenant).find_client(client_id).await?;
            Ok::<_, StorageError>(client.map(Arc::new))
        };
        self.clients.find_or((tenant.id, client_id.to_owned()), load).await
    }

    /// The grant types that some client of `tenant` may use.
    pub async fn grants_in_use(&self, tenant: &Tenant) -> Result<Arc<Vec<GrantType>>, StorageError> {
        let load = async {
            let grants = self.storage.read().await?.tenant(tenant).grants_in_use().await?;
            Ok::<_, StorageError>(Some(Arc::new(grants)))
        };
        Ok(self.grants.find_or(tenant.id, load).await?.unwrap_or_default())
    }

    /// Forgets what `change` speaks of.
    pub fn apply(&self, change: &Change) {
        match change {
            // The change bears the id and the cache the slug; tenants change seldom.
            Change::Tenant(_) => self.tenants.forget_all(),
            Change::Client(tenant, client_id) => {
                self.clients.forget(&(*tenant, client_id.clone()));
                self.grants.forget(tenant);
            }
            Change::Keys(_) | Change::Cutoff(_) => {}
        }
    }

    /// Forgets everything.
    pub fn forget_all(&self) {
        self.tenants.forget_all();
        self.clients.forget_all();
        self.grants.forget_all();
    }
}
