//! Rows that are marked as ended.

use crate::domain::{EndReason, TenantId, Timestamp};
use crate::storage::{Key, TenantStore};

/// A row that is to be marked.
#[derive(Clone, Copy)]
pub(in crate::storage) struct Mark {
    /// Which of a batch it is for.
    pub(in crate::storage) at: usize,
    pub(in crate::storage) tenant: TenantId,
    pub(in crate::storage) row: Key,
    pub(in crate::storage) reason: EndReason,
    pub(in crate::storage) now: Timestamp,
}

impl TenantStore<'_> {
    /// One row of this tenant, for nobody beside.
    pub(in crate::storage) fn mark(
        &self,
        row: impl Into<Key>,
        reason: EndReason,
        now: Timestamp,
    ) -> Mark {
        Mark { at: 0, tenant: self.tenant_id, row: row.into(), reason, now }
    }
}

/// Marks rows of `$table` that are not marked yet; [`Failed`](super::blame::Failed) says for which of a
/// batch it could not be done.
macro_rules! mark_rows {
    ($unit:expr, $table:ident, $marks:expr) => {{
        let marks: &[$crate::storage::engine::marks::Mark] = $marks;
        let rows = marks.iter().map(|mark| {
            let row = $table::table
                .filter($table::tenant_id.eq($crate::storage::Key::from(mark.tenant)))
                .filter($table::id.eq(mark.row))
                .filter($table::ended_at.is_null());
            $crate::storage::engine::repeated::Repeated(diesel::update(row).set((
                $table::ended_at.eq(Some(mark.now.millis())),
                $table::end_reason.eq(Some(mark.reason.as_str())),
            )))
        });
        let done: Result<Vec<diesel::QueryResult<usize>>, $crate::storage::StorageError> =
            $crate::storage::engine::connection::on_conn_each!($unit, rows, row, conn => {
                $crate::storage::engine::blame::unless_lasting(row.execute(conn).await)
            });
        done.map_err($crate::storage::engine::blame::Failed::from).and_then(|done| {
            let places = marks.iter().map(|mark| $crate::storage::engine::blame::Blame::One(mark.at));
            $crate::storage::engine::blame::all_written(places, done)
        })
    }};
}
pub(in crate::storage) use mark_rows;
