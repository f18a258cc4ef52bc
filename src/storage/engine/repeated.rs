//! Statements that come again and again, and are prepared once.

use diesel::{
    QueryResult,
    backend::Backend,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
};

/// An `UPDATE`, or an `INSERT` of several rows, that a connection keeps prepared, by its text.
///
/// Diesel has each one parsed and planned anew, for it names what is kept by the types of its values, and
/// those do not tell which columns a changeset leaves out, nor how many rows there are. Its text does.
pub(in crate::storage) struct Repeated<S>(pub(in crate::storage) S);

impl<S> QueryId for Repeated<S> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<S: Query> Query for Repeated<S> {
    type SqlType = S::SqlType;
}

impl<S: QueryFragment<DB>, DB: Backend> QueryFragment<DB> for Repeated<S> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, _: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}
