//! One connection of either database, and the macro that runs a query on it.
//!
//! Diesel checks each query at compile time once per backend; `on_conn!` writes it once.

use std::ops::{Deref, DerefMut};

use diesel::{
    SqliteConnection,
    connection::{AnsiTransactionManager, TransactionManager as _},
};
use diesel_async::{
    AsyncConnection, AsyncPgConnection, TransactionManager as _,
    pooled_connection::deadpool::Object,
    sync_connection_wrapper::{SpawnBlocking, SyncConnectionWrapper},
};
use tokio::sync::OwnedMutexGuard;

/// Runs SQLite's calls where they stand: a call takes microseconds, a hop to another
/// thread takes more (measured in design.md, section 1).
pub(crate) struct InPlace;

type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;
type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl SpawnBlocking for InPlace {
    fn spawn_blocking<'a, R>(&mut self, task: impl FnOnce() -> R + Send + 'static) -> BoxFuture<'a, Result<R, BoxError>>
    where
        R: Send + 'static,
    {
        let result = tokio::task::block_in_place(task);
        Box::pin(std::future::ready(Ok(result)))
    }

    fn get_runtime() -> Self {
        Self
    }
}

pub(crate) type SqliteConn = SyncConnectionWrapper<SqliteConnection, InPlace>;

/// A SQLite connection on loan: one of the readers, or the one writer.
pub(crate) enum SqliteLease {
    Reader(Object<SqliteConn>),
    Writer(OwnedMutexGuard<SqliteConn>),
}

impl Drop for SqliteLease {
    /// Undoes what was not committed, now: the write lock would keep other processes out.
    fn drop(&mut self) {
        if let Self::Writer(conn) = self {
            // `InPlace` has run it by the time it returns; the future only bears the result,
            // and a connection that cannot even roll back fails at its next use.
            drop(conn.spawn_blocking(|conn| {
                let open = AnsiTransactionManager::transaction_manager_status_mut(conn)
                    .transaction_depth()
                    .is_ok_and(|depth| depth.is_some());
                if open { AnsiTransactionManager::rollback_transaction(conn) } else { Ok(()) }
            }));
        }
    }
}

/// A PostgreSQL connection on loan.
pub(crate) struct PgLease {
    /// `None` once it has been handed on.
    object: Option<Object<AsyncPgConnection>>,
    pub(crate) in_transaction: bool,
}

impl PgLease {
    pub(crate) fn new(object: Object<AsyncPgConnection>, in_transaction: bool) -> Self {
        Self { object: Some(object), in_transaction }
    }

    /// The connection itself, transaction and all.
    pub(crate) fn into_object(mut self) -> Option<Object<AsyncPgConnection>> {
        self.object.take()
    }
}

impl Drop for PgLease {
    /// Undoes what was not committed, in a task: its row locks would hold others up, and a
    /// connection closed for each refusal would be an attacker's gift.
    fn drop(&mut self) {
        if let Some(mut object) = self.object.take().filter(|_| self.in_transaction) {
            tokio::spawn(async move {
                if let Err(why) = PgTransactions::rollback_transaction(&mut *object).await {
                    tracing::warn!(error = %why, "a transaction could not be rolled back");
                    // Closing the connection makes the server do it.
                    drop(Object::take(object));
                }
            });
        }
    }
}

impl Deref for PgLease {
    type Target = AsyncPgConnection;
    fn deref(&self) -> &AsyncPgConnection {
        match &self.object {
            Some(object) => object,
            // `into_object` consumes the lease, so nobody is left to look.
            None => std::process::abort(),
        }
    }
}

impl DerefMut for PgLease {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        match &mut self.object {
            Some(object) => object,
            None => std::process::abort(),
        }
    }
}

pub(crate) type PgTransactions = <AsyncPgConnection as AsyncConnection>::TransactionManager;

impl Deref for SqliteLease {
    type Target = SqliteConn;
    fn deref(&self) -> &SqliteConn {
        match self {
            Self::Reader(conn) => conn,
            Self::Writer(conn) => conn,
        }
    }
}

impl DerefMut for SqliteLease {
    fn deref_mut(&mut self) -> &mut SqliteConn {
        match self {
            Self::Reader(conn) => conn,
            Self::Writer(conn) => conn,
        }
    }
}

/// A connection of either database.
pub struct Connection(pub(crate) Backend);

pub(crate) enum Backend {
    Sqlite(SqliteLease),
    Postgres(Box<PgLease>),
}

/// Runs the same query on whichever database the unit speaks to.
macro_rules! on_conn {
    ($unit:expr, $conn:ident => $query:expr) => {
        match &mut $unit.conn.0 {
            $crate::storage::connection::Backend::Sqlite(lease) => {
                let $conn: &mut $crate::storage::connection::SqliteConn = lease;
                $query
            }
            $crate::storage::connection::Backend::Postgres(lease) => {
                let $conn: &mut diesel_async::AsyncPgConnection = lease;
                $query
            }
        }
    };
}
pub(crate) use on_conn;
