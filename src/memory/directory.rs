//! Tenants and clients from memory, for as long as this node's view of the events is fresh.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Cache, View};
use crate::{
    domain::{Change, Client, Ending, EventNumber, GrantType, Slug, Tenant, TenantId},
    protocol::is_storable,
    storage::{Storage, StorageError},
};

/// What every request needs and seldom changes.
pub struct Directory {
    storage: Storage,
    view: Arc<View>,
    tenants: Cache<Slug, Arc<Tenant>>,
    /// Under which slug each tenant may be held: a change bears its identifier. Whoever is put into the
    /// cache is put in here before, and taken out before.
    slugs: Mutex<HashMap<TenantId, Slug>>,
    clients: Cache<(TenantId, String), Arc<Client>>,
    grants: Cache<TenantId, Arc<Vec<GrantType>>>,
}

/// A tenant and a client of it, and the number of the last event that both are known by: what is
/// made from them bears it.
pub struct Known {
    /// The tenant.
    pub tenant: Arc<Tenant>,
    /// The client.
    pub client: Arc<Client>,
    /// The number.
    pub by: EventNumber,
}

impl Directory {
    /// A directory over `storage`, as old as `view` is.
    pub fn new(storage: Storage, view: Arc<View>) -> Self {
        Self {
            storage,
            view,
            tenants: Cache::new(10_000),
            slugs: Mutex::default(),
            clients: Cache::new(100_000),
            grants: Cache::new(10_000),
        }
    }

    /// The tenant with this slug, suspended ones too.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn find_tenant(&self, slug: &Slug) -> Result<Option<Arc<Tenant>>, StorageError> {
        let load = async || {
            let tenant = self.storage.read_installation().await?.find_tenant(slug).await?;
            if let Some(tenant) = &tenant {
                self.slugs().insert(tenant.id, slug.clone());
            }
            Ok::<_, StorageError>(tenant.map(Arc::new))
        };
        self.tenants.find_or(slug.clone(), self.view.is_fresh(), load).await
    }

    /// The client of `tenant` with this identifier.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn find_client(
        &self,
        tenant: &Tenant,
        client_id: &str,
    ) -> Result<Option<Arc<Client>>, StorageError> {
        if !may_be_client_id(client_id) {
            return Ok(None);
        }
        let load = async || {
            let client =
                self.storage.read(tenant).await?.tenant(tenant).find_client(client_id).await?;
            Ok::<_, StorageError>(client.map(Arc::new))
        };
        let key = (tenant.id, client_id.to_owned());
        self.clients.find_or(key, self.view.is_fresh(), load).await
    }

    /// Tenant and client as they stand now, for issuing to the client itself; `None` where one of
    /// them is gone.
    ///
    /// From memory where that is fresh: then by the number that was applied before memory was
    /// asked, so that an event which came in between outlives what is issued. From the database
    /// where it is not, or where the two have been ended later than this node has heard.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn known(
        &self,
        tenant: &Tenant,
        client_id: &str,
    ) -> Result<Option<Known>, StorageError> {
        if !may_be_client_id(client_id) {
            return Ok(None);
        }
        if self.view.is_fresh() {
            let by = self.view.applied();
            let found =
                (self.find_tenant(&tenant.slug).await?, self.find_client(tenant, client_id).await?);
            let (Some(current), Some(client)) = found else { return Ok(None) };
            if current.id == tenant.id && by >= current.ended_seq && by >= client.ended_seq {
                return Ok(Some(Known { tenant: current, client, by }));
            }
        }
        Box::pin(self.known_now(tenant, client_id)).await
    }

    async fn known_now(
        &self,
        tenant: &Tenant,
        client_id: &str,
    ) -> Result<Option<Known>, StorageError> {
        let mut unit = self.storage.read(tenant).await?;
        let by = unit.head().await?;
        let current =
            unit.find_tenant(&tenant.slug).await?.filter(|current| current.id == tenant.id);
        let client = unit.tenant(tenant).find_client(client_id).await?;
        let both = current.zip(client);
        Ok(both.map(|(tenant, client)| Known {
            tenant: Arc::new(tenant),
            client: Arc::new(client),
            by,
        }))
    }

    /// The grant types that some client of `tenant` may use.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn grants_in_use(
        &self,
        tenant: &Tenant,
    ) -> Result<Arc<Vec<GrantType>>, StorageError> {
        let load = async || {
            let grants = self.storage.read(tenant).await?.tenant(tenant).grants_in_use().await?;
            Ok::<_, StorageError>(Some(Arc::new(grants)))
        };
        let grants = self.grants.find_or(tenant.id, self.view.is_fresh(), load).await;
        Ok(grants?.unwrap_or_default())
    }

    /// Forgets what `change` speaks of.
    pub fn apply(&self, change: &Change) {
        match change {
            Change::Tenant(tenant) | Change::Ending(tenant, Ending::Tenant) => {
                let slug = self.slugs().remove(tenant);
                match slug {
                    Some(slug) => self.tenants.forget(&slug),
                    None => self.tenants.forget_unheld(),
                }
            }
            Change::Client(tenant, client_id)
            | Change::Ending(tenant, Ending::Client(client_id)) => {
                self.clients.forget(&(*tenant, client_id.clone()));
                self.grants.forget(tenant);
            }
            Change::Keys(_) | Change::Ending(..) => {}
        }
    }

    fn slugs(&self) -> MutexGuard<'_, HashMap<TenantId, Slug>> {
        self.slugs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets everything.
    pub fn forget_all(&self) {
        self.slugs().clear();
        self.tenants.forget_all();
        self.clients.forget_all();
        self.grants.forget_all();
    }
}

/// No client has any other identifier.
fn may_be_client_id(text: &str) -> bool {
    text.len() <= 128 && is_storable(text)
}
