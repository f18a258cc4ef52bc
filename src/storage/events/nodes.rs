//! How far each node has applied the events, by the database's clock.

use std::time::Duration;

use diesel::{ExpressionMethods, QueryDsl, QueryResult};
use diesel_async::RunQueryDsl;

use crate::domain::{EventNumber, NodeId, NodeSeen, Timestamp};
use crate::storage::{
    Key, StorageError, Unit, engine::columns::portcullis_now_ms, engine::connection::on_conn,
};

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::engine::columns::Id16;

    nodes (id) {
        id -> Id16,
        seq -> BigInt,
        seen_at -> BigInt,
        lease_until -> BigInt,
    }
}

/// How long others count on a node that has not been heard of.
pub const LEASE: Duration = Duration::from_secs(5);

const LEASE_MS: i64 = 5_000;

impl Unit {
    /// Notes that node `id` has applied the events up to `seq`, and renews its lease.
    pub async fn put_node(&mut self, id: NodeId, seq: EventNumber) -> Result<(), StorageError> {
        let said = (
            nodes::seq.eq(seq.0),
            nodes::seen_at.eq(portcullis_now_ms(0)),
            nodes::lease_until.eq(portcullis_now_ms(LEASE_MS)),
        );
        let row = (nodes::id.eq(Key::from(id)), said);
        on_conn!(self, conn => diesel::insert_into(nodes::table)
            .values(row)
            .on_conflict(nodes::id)
            .do_update()
            .set(said)
            .execute(conn)
            .await)?;
        Ok(())
    }

    /// The nodes that hold a lease.
    pub async fn list_nodes(&mut self) -> Result<Vec<NodeSeen>, StorageError> {
        let query = nodes::table
            .filter(nodes::lease_until.gt(portcullis_now_ms(0)))
            .order(nodes::id)
            .select((nodes::id, nodes::seq, nodes::seen_at));
        let rows: Vec<(Key, i64, i64)> = on_conn!(self, conn => query.load(conn).await)?;
        let node = |(id, seq, at)| NodeSeen {
            id: NodeId::from(id).to_string(),
            seq,
            seen_at: Timestamp::from_millis(at),
        };
        Ok(rows.into_iter().map(node).collect())
    }

    /// What the database's clock says; SQLite's is the machine's.
    pub async fn database_time(&mut self) -> Result<Timestamp, StorageError> {
        let at: i64 = on_conn!(self, conn => {
            let now: QueryResult<i64> = diesel::select(portcullis_now_ms(0)).get_result(conn).await;
            now
        })?;
        Ok(Timestamp::from_millis(at))
    }

    /// Removes a node that stops.
    pub async fn delete_node(&mut self, id: NodeId) -> Result<(), StorageError> {
        let target = nodes::table.filter(nodes::id.eq(Key::from(id)));
        on_conn!(self, conn => diesel::delete(target).execute(conn).await)?;
        Ok(())
    }

    /// Removes nodes that have long been silent.
    pub(in crate::storage) async fn sweep_nodes(&mut self) -> Result<usize, StorageError> {
        let silent = nodes::table.filter(nodes::lease_until.lt(portcullis_now_ms(-3_600_000_i64)));
        on_conn!(self, conn => diesel::delete(silent).execute(conn).await)
    }
}
