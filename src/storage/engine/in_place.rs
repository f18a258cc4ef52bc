//! A SQLite connection whose calls run where they stand.
//!
//! A call takes microseconds; a hop to another thread takes more (measured in design.md, section 1). And
//! a statement goes to Diesel as it was written, so that one that it knows by its type is neither put into
//! words nor looked up by them again: the wrapper that comes with `diesel-async` puts each into words first.

use std::future::{Ready, ready};

use diesel::{
    QueryResult, SqliteConnection,
    backend::Backend,
    connection::{
        AnsiTransactionManager, Connection as _, LoadConnection, SimpleConnection as _,
        TransactionManager as _,
    },
    query_builder::{
        AsQuery, AstPass, CollectedQuery, MoveableBindCollector, Query, QueryBuilder as _,
        QueryFragment, QueryId,
    },
    row::IntoOwnedRow,
    sql_types::Untyped,
    sqlite::{Sqlite, SqliteQueryBuilder},
};
use diesel_async::{AsyncConnectionCore, SimpleAsyncConnection};
use futures_util::stream;

/// A connection to a SQLite file.
pub(crate) struct SqliteConn(SqliteConnection);

type Row<'conn, 'query> = <SqliteConnection as LoadConnection>::Row<'conn, 'query>;
type OwnedRow = <Row<'static, 'static> as IntoOwnedRow<'static, Sqlite>>::OwnedRow;
type RowCache = <Row<'static, 'static> as IntoOwnedRow<'static, Sqlite>>::Cache;

impl SqliteConn {
    pub(in crate::storage) fn new(conn: SqliteConnection) -> Self {
        Self(conn)
    }

    /// Takes the write lock at once, so that it cannot fail to later.
    pub(in crate::storage) fn begin_immediate(&mut self) -> QueryResult<()> {
        self.in_place(|conn| AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE"))
    }

    /// Lets what was written since then last.
    pub(in crate::storage) fn commit(&mut self) -> QueryResult<()> {
        self.in_place(AnsiTransactionManager::commit_transaction)
    }

    /// Undoes what was not committed.
    pub(in crate::storage) fn undo(&mut self) -> QueryResult<()> {
        self.in_place(|conn| {
            let open = AnsiTransactionManager::transaction_manager_status_mut(conn)
                .transaction_depth()
                .is_ok_and(|depth| depth.is_some());
            if open { AnsiTransactionManager::rollback_transaction(conn) } else { Ok(()) }
        })
    }

    /// Does work on this thread, while another takes over what else it had to do.
    pub(in crate::storage) fn in_place<R>(
        &mut self,
        work: impl FnOnce(&mut SqliteConnection) -> R,
    ) -> R {
        tokio::task::block_in_place(|| work(&mut self.0))
    }
}

impl SimpleAsyncConnection for SqliteConn {
    fn batch_execute(&mut self, query: &str) -> impl Future<Output = QueryResult<()>> + Send {
        ready(self.in_place(|conn| conn.batch_execute(query)))
    }
}

impl AsyncConnectionCore for SqliteConn {
    type ExecuteFuture<'conn, 'query> = Ready<QueryResult<usize>>;
    type LoadFuture<'conn, 'query> = Ready<QueryResult<Self::Stream<'conn, 'query>>>;
    type Stream<'conn, 'query> = stream::Iter<std::vec::IntoIter<QueryResult<OwnedRow>>>;
    type Row<'conn, 'query> = OwnedRow;
    type Backend = Sqlite;

    fn load<'conn, 'query, T>(&'conn mut self, source: T) -> Self::LoadFuture<'conn, 'query>
    where
        T: AsQuery + 'query,
        T::Query: QueryFragment<Sqlite> + QueryId + 'query,
    {
        let query = AnyRows(source.as_query());
        ready(self.in_place(|conn| {
            let mut cache = RowCache::default();
            let mut rows = Vec::new();
            for row in conn.load(query)? {
                rows.push(Ok(row?.into_owned(&mut cache)));
            }
            Ok(stream::iter(rows))
        }))
    }

    fn execute_returning_count<'conn, 'query, T>(
        &'conn mut self,
        source: T,
    ) -> Self::ExecuteFuture<'conn, 'query>
    where
        T: QueryFragment<Sqlite> + QueryId + 'query,
    {
        ready(self.in_place(|conn| match T::HAS_STATIC_QUERY_ID {
            true => conn.execute_returning_count(&source),
            // It goes on as a reference, which does not tell that it is to be kept (`Repeated`).
            false => conn.execute_returning_count(&in_words(&source)?),
        }))
    }
}

type Binds =
    <<Sqlite as Backend>::BindCollector<'static> as MoveableBindCollector<Sqlite>>::BindData;

/// A statement as its text and its values.
fn in_words(source: &impl QueryFragment<Sqlite>) -> QueryResult<CollectedQuery<Binds>> {
    let mut text = SqliteQueryBuilder::new();
    source.to_sql(&mut text, &Sqlite)?;
    let mut values = <Sqlite as Backend>::BindCollector::default();
    source.collect_binds(&mut values, &mut (), &Sqlite)?;
    let is_kept = source.is_safe_to_cache_prepared(&Sqlite)?;
    Ok(CollectedQuery::new(text.finish(), is_kept, values.moveable()))
}

/// A query of which it is not said here what its rows are: whoever loads them has said so.
struct AnyRows<Q>(Q);

impl<Q: QueryId> QueryId for AnyRows<Q> {
    type QueryId = Q::QueryId;
    const HAS_STATIC_QUERY_ID: bool = Q::HAS_STATIC_QUERY_ID;
}

impl<Q> Query for AnyRows<Q> {
    type SqlType = Untyped;
}

impl<Q: QueryFragment<Sqlite>> QueryFragment<Sqlite> for AnyRows<Q> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, backend: &Sqlite) -> QueryResult<bool> {
        self.0.is_safe_to_cache_prepared(backend)
    }
}
