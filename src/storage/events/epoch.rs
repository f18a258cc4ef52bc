//! Epochs: what a restored backup begins anew.

use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;

use crate::{
    domain::EventNumber,
    storage::{
        EveryTenant, Key, Storage, StorageError,
        engine::connection::on_conn,
        schema::{revocation_head, tenants},
    },
};

impl Storage {
    /// Begins a new epoch: everything that was born before is ended, in every tenant. For a
    /// database that was restored from a backup, whose later events are lost; `known` is the
    /// highest number that anybody remembers. Answers the first number of the new epoch.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn begin_epoch(&self, known: EventNumber) -> Result<EventNumber, StorageError> {
        let mut unit = self.write_for_job(EveryTenant::Installation).await?;
        let head = revocation_head::table.filter(revocation_head::id.eq(1));
        // Taking the lock first: of two nodes that notice at once, the second finds it done.
        let lock = diesel::update(head)
            .set(revocation_head::seq.eq(revocation_head::seq))
            .returning(revocation_head::seq);
        let before: i64 = on_conn!(unit, conn => lock.get_result(conn).await)?;
        let before = EventNumber(before);
        if before.epoch() > known.epoch() {
            return Ok(before);
        }
        let begun = before.max(known).next_epoch();
        let raise = diesel::update(head).set(revocation_head::seq.eq(begun.0));
        on_conn!(unit, conn => raise.execute(conn).await)?;
        let ids: Vec<Key> =
            on_conn!(unit, conn => tenants::table.select(tenants::id).load(conn).await)?;
        // There is always one. The rows of a backup that is being put back come table by table, and
        // what is not there yet cannot be ended: the next look finds it whole.
        if ids.is_empty() {
            return Err(StorageError::away("no tenants: a backup is being put back"));
        }
        for id in ids {
            unit.end_restored(id.into());
        }
        unit.commit().await?;
        Ok(begun)
    }
}
