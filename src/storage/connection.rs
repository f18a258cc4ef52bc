//! One connection of either database, and the macro that runs a query on it.
//!
//! Diesel checks each query at compile time once per backend; `on_conn!` writes it once.

use std::ops::{Deref, DerefMut};

use diesel::SqliteConnection;
use diesel_async::{
    AsyncPgConnection,
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
    fn spawn_blocking<'a, R>(
        &mut self,
        task: impl FnOnce() -> R + Send + 'static,
    ) -> BoxFuture<'a, Result<R, BoxError>>
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
    Postgres(Object<AsyncPgConnection>),
}

/// Runs the same query on whichever database the unit speaks to.
macro_rules! on_conn {
    ($unit:expr, $conn:ident => $query:expr) => {
        match &mut $unit.conn.0 {
            $crate::storage::connection::Backend::Sqlite(lease) => {
                let $conn: &mut $crate::storage::connection::SqliteConn = lease;
                $query
            }
            $crate::storage::connection::Backend::Postgres(object) => {
                let $conn: &mut diesel_async::AsyncPgConnection = object;
                $query
            }
        }
    };
}
pub(crate) use on_conn;
