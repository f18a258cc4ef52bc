//! A unit of work: one connection, for one read or one transaction.

use std::sync::{Arc, OnceLock};

use diesel::connection::AnsiTransactionManager;
use diesel_async::TransactionManager;

use super::{
    Pool, StorageError,
    connection::{Backend, Connection, PgTransactions},
    rotations::Rotations,
};
use crate::domain::{RevocationEvent, Tenant, TenantId};

/// Hears of what was committed, before the writer goes on.
#[async_trait::async_trait]
pub trait CommitListener: Send + Sync + 'static {
    /// These events were committed.
    async fn committed(&self, events: &[RevocationEvent]);
}

/// The database of the installation.
#[derive(Clone)]
pub struct Storage {
    pool: Pool,
    listener: Arc<OnceLock<Arc<dyn CommitListener>>>,
    rotations: Arc<OnceLock<Rotations>>,
}

impl Storage {
    /// Storage over `pool`.
    pub fn new(pool: Pool) -> Self {
        Self { pool, listener: Arc::default(), rotations: Arc::default() }
    }

    /// Makes `listener` hear of every commit from now on. The first one stays.
    pub fn listen(&self, listener: Arc<dyn CommitListener>) {
        // A second listener would be a second registry; keeping the first is what `build` relies on.
        let _ = self.listener.set(listener);
    }

    /// The writer of gathered rotations, where the database needs one.
    pub(super) fn gathered(&self) -> Option<&Rotations> {
        (self.backend() == "sqlite").then(|| self.rotations.get_or_init(|| Rotations::start(self.detached())))
    }

    /// The same database for a task that outlives every request. It holds no way back to the
    /// task itself, so the task ends when the last one who could ask it is gone.
    fn detached(&self) -> Self {
        Self { pool: self.pool.clone(), listener: Arc::clone(&self.listener), rotations: Arc::default() }
    }

    /// `sqlite` or `postgres`.
    pub fn backend(&self) -> &'static str {
        self.pool.backend()
    }

    /// A unit that reads.
    ///
    /// # Errors
    /// [`StorageError::Away`].
    pub async fn read(&self) -> Result<Unit, StorageError> {
        let conn = self.pool.reader().await.map_err(|why| StorageError::Away(why.to_string()))?;
        Ok(Unit { conn, events: Vec::new(), listener: None })
    }

    /// A unit that writes: a transaction, undone unless [`Unit::commit`] is called.
    ///
    /// # Errors
    /// [`StorageError::Away`].
    pub async fn write(&self) -> Result<Unit, StorageError> {
        let mut conn = self.pool.writer().await.map_err(|why| StorageError::Away(why.to_string()))?;
        begin(&mut conn).await?;
        Ok(Unit { conn, events: Vec::new(), listener: self.listener.get().cloned() })
    }

    pub(crate) async fn connection(&self) -> Result<Connection, StorageError> {
        self.pool.writer().await.map_err(|why| StorageError::Away(why.to_string()))
    }
}

/// Starts a transaction; SQLite takes the write lock at once, so that it cannot fail to later.
pub(super) async fn begin(conn: &mut Connection) -> Result<(), StorageError> {
    match &mut conn.0 {
        Backend::Sqlite(lease) => {
            lease.spawn_blocking(|conn| AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")).await?;
        }
        Backend::Postgres(lease) => {
            PgTransactions::begin_transaction(&mut ***lease).await?;
            lease.in_transaction = true;
        }
    }
    Ok(())
}

pub(super) async fn commit(conn: &mut Connection) -> Result<(), StorageError> {
    match &mut conn.0 {
        Backend::Sqlite(lease) => {
            lease
                .spawn_blocking(|conn| {
                    use diesel::connection::TransactionManager as _;
                    AnsiTransactionManager::commit_transaction(conn)
                })
                .await?;
        }
        Backend::Postgres(lease) => {
            PgTransactions::commit_transaction(&mut ***lease).await?;
            lease.in_transaction = false;
        }
    }
    Ok(())
}

/// One connection at work.
pub struct Unit {
    pub(super) conn: Connection,
    pub(super) events: Vec<RevocationEvent>,
    listener: Option<Arc<dyn CommitListener>>,
}

impl Unit {
    /// What belongs to `tenant`.
    pub fn tenant(&mut self, tenant: &Tenant) -> TenantStore<'_> {
        self.scoped(tenant.id)
    }

    /// The same by id, for the parts of storage that hold no tenant.
    pub(super) fn scoped(&mut self, tenant_id: TenantId) -> TenantStore<'_> {
        TenantStore { unit: self, tenant_id }
    }

    /// Makes everything that was written in this unit last, and tells the listener.
    ///
    /// # Errors
    /// [`StorageError::Away`]: then nothing of it was written.
    pub async fn commit(mut self) -> Result<Vec<RevocationEvent>, StorageError> {
        commit(&mut self.conn).await?;
        drop(self.conn);
        if let Some(listener) = self.listener.filter(|_| !self.events.is_empty()) {
            listener.committed(&self.events).await;
        }
        Ok(self.events)
    }
}

/// What belongs to one tenant. Its queries cannot name another.
pub struct TenantStore<'unit> {
    pub(super) unit: &'unit mut Unit,
    pub(super) tenant_id: TenantId,
}

impl TenantStore<'_> {
    /// The tenant.
    pub fn tenant_id(&self) -> TenantId {
        self.tenant_id
    }

    pub(super) fn key(&self) -> String {
        self.tenant_id.to_string()
    }
}
