//! Removes what has expired and proves nothing any more, some rows in a transaction each, so that
//! nothing else waits long for it.

use diesel::{ExpressionMethods, QueryDsl as _};
use diesel_async::RunQueryDsl;
use tokio::time::Instant;

use crate::domain::{EndReason, Tenant, Timestamp};
use crate::storage::{
    EveryTenant, Key, Step, Storage, StorageError, Unit,
    engine::connection::{on_conn, on_conn_each, remove_rows},
    fills,
    schema::{SOME, Sweep, sessions, token_families},
};

impl Storage {
    /// Sweeps some rows of a table; answers how many, and whether more may be left.
    ///
    /// # Errors
    /// [`StorageError`]: nothing was removed.
    pub async fn sweep_some(
        &self,
        what: Sweep,
        now: Timestamp,
    ) -> Result<(Step, bool), StorageError> {
        let began = Instant::now();
        let mut unit = self.write_for_job(EveryTenant::Sweep).await?;
        let (rows, more) = what.some(&mut unit, now).await?;
        if rows > 0 {
            unit.commit().await?;
        }
        Ok((Step::done(rows, began), more))
    }
}

impl Storage {
    /// Removes some entries of a tenant's audit trail that are older than it keeps them; answers how
    /// many, and whether more may be left.
    ///
    /// # Errors
    /// [`StorageError`]: nothing was removed.
    pub async fn sweep_audit_of(
        &self,
        tenant: &Tenant,
        now: Timestamp,
    ) -> Result<(Step, bool), StorageError> {
        let old = now.plus(-tenant.settings.audit_retention);
        let began = Instant::now();
        let mut unit = self.write_for_job(tenant).await?;
        let rows = unit.tenant(tenant).sweep_audit(old, SOME).await?;
        if rows > 0 {
            unit.commit().await?;
        }
        Ok((Step::done(rows, began), fills(rows, SOME)))
    }
}

impl Unit {
    /// Marks sessions as ended whose time was over between `old` and `now`.
    pub(in crate::storage) async fn mark_expired(
        &mut self,
        old: Timestamp,
        now: Timestamp,
        limit: i64,
    ) -> Result<usize, StorageError> {
        let expired = sessions::table
            .filter(sessions::expires_at.ge(old.millis()))
            .filter(sessions::expires_at.lt(now.millis()))
            .filter(sessions::ended_at.is_null())
            .order(sessions::expires_at)
            .limit(limit)
            .select((sessions::tenant_id, sessions::id, sessions::expires_at));
        let expired: Vec<(Key, Key, i64)> = on_conn!(self, conn => expired.load(conn).await)?;
        let rows = expired.iter().map(|(tenant, id, at)| {
            let row = sessions::table
                .filter(sessions::tenant_id.eq(*tenant))
                .filter(sessions::id.eq(*id));
            let change = (
                sessions::ended_at.eq(Some(*at)),
                sessions::end_reason.eq(Some(EndReason::Expired.as_str())),
            );
            diesel::update(row).set(change)
        });
        on_conn_each!(self, rows, row, conn => row.execute(conn).await)?;
        Ok(expired.len())
    }

    /// Removes sessions that expired before `old`, and first their families, some at a time: a
    /// session may have any number of them.
    pub(in crate::storage) async fn sweep_sessions(
        &mut self,
        old: Timestamp,
        limit: i64,
    ) -> Result<usize, StorageError> {
        let expired = sessions::table
            .filter(sessions::expires_at.lt(old.millis()))
            .order(sessions::expires_at)
            .limit(limit)
            .select((sessions::tenant_id, sessions::id));
        let expired: Vec<(Key, Key)> = on_conn!(self, conn => expired.load(conn).await)?;
        let mut rows = 0;
        for (tenant, id) in &expired {
            let left = limit - i64::try_from(rows).unwrap_or(limit);
            let families = token_families::table
                .filter(token_families::tenant_id.eq(*tenant))
                .filter(token_families::session_id.eq(*id))
                .order(token_families::id)
                .limit(left)
                .select(token_families::id);
            let families: Vec<Key> = on_conn!(self, conn => families.load(conn).await)?;
            rows += families.len();
            remove_rows!(self, token_families, *tenant, token_families::id, families)?;
            if fills(rows, limit) {
                return Ok(rows);
            }
            rows += 1;
            let gone = sessions::table
                .filter(sessions::tenant_id.eq(*tenant))
                .filter(sessions::id.eq(*id));
            on_conn!(self, conn => diesel::delete(gone).execute(conn).await)?;
        }
        Ok(rows)
    }
}
