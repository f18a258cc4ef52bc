//! One connection of either database, and the macro that runs a query on it.
//!
//! Diesel checks each query at compile time once per backend; `on_conn!` writes it once, and
//! gives it its deadline and its tenant.

use std::ops::{Deref, DerefMut};

use deadpool::managed::Object;
use diesel::QueryResult;
use diesel_async::{AsyncPgConnection, RunQueryDsl as _, SimpleAsyncConnection as _};
use tokio::{sync::OwnedMutexGuard, time::Instant};
use tracing::Instrument as _;

use crate::storage::{
    Scope, StorageError,
    engine::deadline,
    engine::error::is_lasting,
    engine::in_place::SqliteConn,
    engine::migrate::pg_advisory_xact_lock,
    engine::postgres::{PgManager, Pooled},
    engine::sqlite::SqliteManager,
};

/// A SQLite connection on loan: one of the readers, the one writer, or one of its own.
pub(crate) enum SqliteLease {
    Reader(Object<SqliteManager>),
    Writer(OwnedMutexGuard<SqliteConn>),
}

impl Drop for SqliteLease {
    /// Undoes what was not committed, now: the write lock would keep other processes out.
    fn drop(&mut self) {
        if let Self::Writer(conn) = self {
            // A connection that cannot even roll back fails at its next use.
            let _ = conn.undo();
        }
    }
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

/// A PostgreSQL connection on loan.
pub(crate) struct PgLease {
    /// `None` once it has been given back or closed.
    object: Option<Object<PgManager>>,
    /// A transaction is to be begun, and the server has not been told yet.
    is_to_begin: bool,
    in_transaction: bool,
    /// A statement was cut off or the server is of no more use: the connection is closed, and
    /// the server undoes what was open on it.
    spoilt: bool,
}

/// The lock by which files take turns. Any number, the same on every node: "portfile" in ASCII.
const TURN: i64 = 0x706f_7274_6669_6c65;

impl PgLease {
    pub(in crate::storage) fn new(object: Object<PgManager>) -> Self {
        Self { object: Some(object), is_to_begin: false, in_transaction: false, spoilt: false }
    }

    fn pooled(&mut self) -> &mut Pooled {
        match &mut self.object {
            Some(object) => object,
            // It is taken in `drop` alone, after which nobody is left to look.
            None => std::process::abort(),
        }
    }

    /// Begins a transaction. The server hears of it with the first statement: it is another way there and
    /// back otherwise.
    pub(in crate::storage) fn begin(&mut self) {
        self.is_to_begin = true;
    }

    pub(in crate::storage) async fn commit(&mut self) -> QueryResult<()> {
        if self.in_transaction {
            self.pooled().conn.batch_execute("COMMIT").await?;
            self.in_transaction = false;
        }
        Ok(())
    }

    /// Waits until no other file is being applied, and keeps the turn until the transaction ends.
    pub(in crate::storage) async fn take_turn(&mut self, scope: Scope) -> QueryResult<()> {
        let words = self.words_before(scope);
        let conn = &mut self.pooled().conn;
        conn.batch_execute(&words).await?;
        conn.batch_execute(deadline::SERVER_SIDE_TURN).await?;
        diesel::select(pg_advisory_xact_lock(TURN)).execute(conn).await?;
        conn.batch_execute(deadline::SERVER_SIDE_FILE).await?;
        self.is_told(scope);
        Ok(())
    }

    /// What the server must be told before a statement for `scope`: whose rows it is for, by which its policies
    /// go, and that a transaction begins. A connection keeps the former until it is told otherwise, so it is
    /// told what it does not know alone.
    pub(in crate::storage) fn words_before(&mut self, scope: Scope) -> String {
        let mut words = String::new();
        if self.pooled().scope != Some(scope) {
            // A setting that is made in a transaction goes when that is undone: then it is told again.
            self.pooled().scope = None;
            let (tenant, every) = match scope.tenant() {
                Some(tenant) => (tenant.to_string(), "off"),
                None => (String::new(), "on"),
            };
            // SET is beyond Diesel. Both values are our own: a UUID and a word.
            words = format!(
                "SET portcullis.tenant = '{tenant}'; SET portcullis.every_tenant = {every};"
            );
        }
        if std::mem::take(&mut self.is_to_begin) {
            self.in_transaction = true;
            words.push_str("BEGIN");
        }
        words
    }

    /// The words of before have been heard.
    pub(in crate::storage) fn is_told(&mut self, scope: Scope) {
        self.pooled().scope = Some(scope);
    }

    pub(in crate::storage) fn spoil(&mut self) {
        self.spoilt = true;
    }
}

impl Drop for PgLease {
    /// Undoes what was not committed, in a task: its row locks would hold others up, and a
    /// connection closed for each refusal would be an attacker's gift.
    fn drop(&mut self) {
        let Some(mut object) = self.object.take() else { return };
        if self.spoilt {
            drop(Object::take(object));
        } else if self.in_transaction {
            object.scope = None;
            let undo = async move {
                let undone = object.conn.batch_execute("ROLLBACK");
                match tokio::time::timeout(deadline::STATEMENT, undone).await {
                    Ok(Ok(())) => {}
                    // Closing the connection makes the server do it.
                    _ => drop(Object::take(object)),
                }
            };
            tokio::spawn(undo.in_current_span());
        }
    }
}

impl Deref for PgLease {
    type Target = AsyncPgConnection;
    fn deref(&self) -> &AsyncPgConnection {
        match &self.object {
            Some(object) => &object.conn,
            None => std::process::abort(),
        }
    }
}

impl DerefMut for PgLease {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        &mut self.pooled().conn
    }
}

/// A connection of either database.
pub struct Connection(pub(crate) Backend);

pub(crate) enum Backend {
    Sqlite(SqliteLease),
    Postgres(Box<PgLease>),
}

/// Waits for `statement` until `deadline` at most. One that is cut off spoils its connection.
pub(in crate::storage) async fn within<T>(
    deadline: Instant,
    statement: impl Future<Output = QueryResult<T>>,
) -> (Result<T, StorageError>, bool) {
    match tokio::time::timeout_at(deadline, statement).await {
        Ok(Ok(value)) => (Ok(value), false),
        Ok(Err(why)) => {
            let spoilt = is_lasting(&why);
            (Err(why.into()), spoilt)
        }
        Err(_) => (Err(StorageError::away("a statement did not come back in time")), true),
    }
}

/// Has the server told `words`, where there are any, and runs `statement` without waiting for an answer to
/// them. It counts where both were done.
pub(in crate::storage) async fn said_before<T>(
    mut conn: &AsyncPgConnection,
    words: &str,
    statement: impl Future<Output = QueryResult<T>>,
) -> QueryResult<T> {
    if words.is_empty() {
        return statement.await;
    }
    let (said, result) = tokio::join!(conn.batch_execute(words), statement);
    said.and(result)
}

/// Runs one future or the other, by the database that the unit speaks to, with the unit's deadline
/// and for its tenant. Each is boxed: both, one in another, would fill a thread's stack.
macro_rules! on_backend {
    ($unit:expr, sqlite $sqlite:ident => $on_sqlite:expr, postgres $postgres:ident => $on_postgres:expr) => {{
        let unit: &mut $crate::storage::Unit = $unit.as_unit();
        let deadline = unit.statement_deadline();
        let scope = unit.scope;
        match &mut unit.conn.0 {
            $crate::storage::engine::connection::Backend::Sqlite(lease) => {
                let $sqlite: &mut $crate::storage::engine::in_place::SqliteConn = lease;
                let result: diesel::QueryResult<_> = Box::pin(async { $on_sqlite }).await;
                result.map_err($crate::storage::StorageError::from)
            }
            $crate::storage::engine::connection::Backend::Postgres(lease) => {
                let words = lease.words_before(scope);
                let conn: &diesel_async::AsyncPgConnection = lease;
                let statement = Box::pin(async {
                    let mut conn = conn;
                    let $postgres: &mut &diesel_async::AsyncPgConnection = &mut conn;
                    let result: diesel::QueryResult<_> = async { $on_postgres }.await;
                    result
                });
                let statement =
                    $crate::storage::engine::connection::said_before(conn, &words, statement);
                let (result, spoilt) =
                    $crate::storage::engine::connection::within(deadline, statement).await;
                if spoilt {
                    lease.spoil();
                }
                if result.is_ok() {
                    lease.is_told(scope);
                }
                result
            }
        }
    }};
}
pub(crate) use on_backend;

/// Runs the same query on whichever database the unit speaks to.
macro_rules! on_conn {
    ($unit:expr, $conn:ident => $query:expr) => {
        $crate::storage::engine::connection::on_backend!($unit, sqlite $conn => $query, postgres $conn => $query)
    };
}
pub(crate) use on_conn;

/// Runs a query for each of many things, rows or keys: on PostgreSQL all are sent at once. A list
/// of keys in one statement would be shorter, but a planner without statistics takes the rows of a
/// tenant for fewer than the keys, and reads all of them (docs/adr/0009).
macro_rules! on_conn_each {
    ($unit:expr, $each:expr, $one:ident, $conn:ident => $query:expr) => {
        $crate::storage::engine::connection::on_backend!(
            $unit,
            sqlite $conn => {
                let mut all = Vec::new();
                for $one in $each {
                    all.push($query?);
                }
                Ok(all)
            },
            postgres shared => {
                let shared: &diesel_async::AsyncPgConnection = shared;
                let all = $each.into_iter().map(|$one| async move {
                    let mut shared = shared;
                    let $conn = &mut shared;
                    $query
                });
                futures_util::future::try_join_all(all).await
            }
        )
    };
}
pub(crate) use on_conn_each;

/// Removes the rows of `$table` whose `$column` is one of these keys.
macro_rules! remove_rows {
    ($unit:expr, $table:ident, $tenant:expr, $column:expr, $keys:expr) => {{
        let tenant: $crate::storage::Key = $tenant;
        let rows = $keys.into_iter().map(|key| {
            diesel::delete($table::table.filter($table::tenant_id.eq(tenant)).filter($column.eq(key)))
        });
        $crate::storage::engine::connection::on_conn_each!($unit, rows, row, conn => row.execute(conn).await)
    }};
}
pub(crate) use remove_rows;
