//! What the installation's master key is told by.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl};
use diesel_async::RunQueryDsl;

use crate::storage::{StorageError, Unit, engine::connection::on_conn};

diesel::table! {
    use diesel::sql_types::*;

    installation (id) {
        id -> BigInt,
        master_key_check -> Binary,
    }
}

impl Unit {
    /// What tells the master key that the database was sealed under; `None` in a new one.
    pub async fn master_key_check(&mut self) -> Result<Option<Vec<u8>>, StorageError> {
        let query = installation::table
            .filter(installation::id.eq(1))
            .select(installation::master_key_check);
        on_conn!(self, conn => query.first(conn).await.optional())
    }

    /// Notes the master key of a new database; answers what the one is told by that was noted first.
    pub async fn claim_master_key(&mut self, check: &[u8]) -> Result<Vec<u8>, StorageError> {
        let row = (installation::id.eq(1), installation::master_key_check.eq(check.to_vec()));
        let insert = diesel::insert_into(installation::table).values(row).on_conflict_do_nothing();
        on_conn!(self, conn => insert.execute(conn).await)?;
        self.master_key_check()
            .await?
            .ok_or_else(|| StorageError::broken("no master key was noted"))
    }
}
