//! How far each node has read the events.

use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;

use super::{StorageError, Unit, connection::on_conn, schema::nodes};
use crate::domain::Timestamp;

/// One node and what it has seen.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct NodeSeen {
    /// The node's name for this run.
    pub id: String,
    /// The last event it has applied.
    pub seq: i64,
    /// When it last said so.
    #[schema(value_type = String)]
    pub seen_at: Timestamp,
}

impl Unit {
    /// Notes that node `id` has applied the events up to `seq`.
    pub async fn put_node(&mut self, id: &str, seq: i64, now: Timestamp) -> Result<(), StorageError> {
        let row = (nodes::id.eq(id.to_owned()), nodes::seq.eq(seq), nodes::seen_at.eq(now.millis()));
        let change = (nodes::seq.eq(seq), nodes::seen_at.eq(now.millis()));
        on_conn!(self, conn => diesel::insert_into(nodes::table)
            .values(row)
            .on_conflict(nodes::id)
            .do_update()
            .set(change)
            .execute(conn)
            .await)?;
        Ok(())
    }

    /// The nodes heard of since `since`.
    pub async fn list_nodes(&mut self, since: Timestamp) -> Result<Vec<NodeSeen>, StorageError> {
        let query = nodes::table.filter(nodes::seen_at.ge(since.millis())).order(nodes::id);
        let rows: Vec<(String, i64, i64)> = on_conn!(self, conn => query.load(conn).await)?;
        let node = |(id, seq, at)| NodeSeen { id, seq, seen_at: Timestamp::from_millis(at) };
        Ok(rows.into_iter().map(node).collect())
    }

    /// What the database's clock says; SQLite's is ours.
    pub async fn database_time(&mut self) -> Result<Timestamp, StorageError> {
        let at: chrono::NaiveDateTime =
            on_conn!(self, conn => diesel::select(diesel::dsl::now).get_result(conn).await)?;
        Ok(Timestamp::from_millis(at.and_utc().timestamp_millis()))
    }

    /// Removes a node that stops.
    pub async fn delete_node(&mut self, id: &str) -> Result<(), StorageError> {
        let target = nodes::table.filter(nodes::id.eq(id.to_owned()));
        on_conn!(self, conn => diesel::delete(target).execute(conn).await)?;
        Ok(())
    }
}
