//! The audit trail.

use diesel::{ExpressionMethods, Insertable, QueryDsl, Queryable, Selectable, SelectableHelper};
use diesel_async::RunQueryDsl;

use crate::domain::{AuditEntry, AuditFilter, Occurrence, Origin, Timestamp};
use crate::storage::{
    EveryTenant, Key, Page, Storage, StorageError, TenantStore, Unit,
    engine::connection::{on_conn, remove_rows},
};

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::engine::columns::Id16;

    audit_events (tenant_id, id) {
        tenant_id -> Id16,
        id -> Id16,
        at -> BigInt,
        actor -> Text,
        action -> Text,
        target -> Text,
        reason -> Text,
        ip -> Text,
        user_agent -> Text,
        request_id -> Nullable<Id16>,
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_events)]
pub(super) struct Row {
    tenant_id: Key,
    id: Key,
    at: i64,
    actor: String,
    action: String,
    target: String,
    reason: String,
    ip: String,
    user_agent: String,
    request_id: Option<Key>,
}

impl From<Row> for AuditEntry {
    fn from(row: Row) -> Self {
        Self {
            tenant_id: row.tenant_id.into(),
            id: row.id.into(),
            at: Timestamp::from_millis(row.at),
            actor: row.actor,
            action: row.action,
            target: row.target,
            reason: row.reason,
            origin: Origin {
                ip: row.ip,
                user_agent: row.user_agent,
                devices: Vec::new(),
                request_id: row.request_id.map(Into::into),
            },
        }
    }
}

pub(super) fn row_of(entry: &AuditEntry) -> Row {
    Row {
        tenant_id: entry.tenant_id.into(),
        id: entry.id.into(),
        at: entry.at.millis(),
        actor: entry.actor.clone(),
        action: entry.action.clone(),
        target: entry.target.clone(),
        reason: entry.reason.clone(),
        ip: entry.origin.ip.clone(),
        user_agent: entry.origin.user_agent.clone(),
        request_id: entry.origin.request_id.map(Into::into),
    }
}

/// Milliseconds by which an entry's identifier, made first, may be older than its instant.
const MADE_BEFORE_MS: i64 = 10_000;

/// The first identifier of an instant: identifiers begin with the milliseconds of their making.
fn first_of(at: Timestamp) -> Key {
    let mut key = [0; 16];
    let millis = at.millis().clamp(0, (1 << 48) - 1).to_be_bytes();
    let [_, _, time @ ..] = millis;
    for (to, from) in key.iter_mut().zip(time) {
        *to = from;
    }
    Key(key)
}

impl Storage {
    /// Adds refusals of any tenants, as the buffer holds them.
    ///
    /// # Errors
    /// [`StorageError`]: none was written.
    pub async fn write_audit(&self, entries: &[AuditEntry]) -> Result<(), StorageError> {
        let mut unit = self.write(EveryTenant::AuditTrail).await?;
        unit.told.extend_from_slice(entries);
        unit.commit().await.map(|_| ())
    }
}

impl Unit {
    /// Tells of what happens in this unit, to whichever tenant it happens.
    pub(in crate::storage) fn tell(&mut self, occurrence: &Occurrence) {
        self.told.push(AuditEntry::from(occurrence));
    }
}

impl TenantStore<'_> {
    /// Tells what happens in this unit: the audit trail gets an entry, in the same commit.
    pub fn tell(&mut self, occurrence: &Occurrence) {
        self.unit.tell(occurrence);
    }

    /// Removes entries of before `old`, the oldest first, some at a time; answers how many.
    pub async fn sweep_audit(&mut self, old: Timestamp, limit: i64) -> Result<usize, StorageError> {
        let entries = audit_events::table
            .filter(audit_events::tenant_id.eq(self.key()))
            .filter(audit_events::id.lt(first_of(old)))
            .order(audit_events::id)
            .limit(limit)
            .select(audit_events::id);
        let entries: Vec<Key> = on_conn!(self.unit, conn => entries.load(conn).await)?;
        let (tenant, count) = (self.key(), entries.len());
        remove_rows!(self.unit, audit_events, tenant, audit_events::id, entries)?;
        Ok(count)
    }

    /// Entries, the newest first.
    pub async fn list_audit(
        &mut self,
        filter: &AuditFilter,
        limit: i64,
    ) -> Result<Page<AuditEntry>, StorageError> {
        let key = self.key();
        let rows: Vec<Row> = on_conn!(self.unit, conn => {
            let mut query = audit_events::table
                .filter(audit_events::tenant_id.eq(key))
                .order(audit_events::id.desc())
                .limit(limit + 1)
                .select(Row::as_select())
                .into_boxed();
            if let Some(actor) = &filter.actor {
                query = query.filter(audit_events::actor.eq(actor.clone()));
            }
            if let Some(action) = &filter.action {
                query = query.filter(audit_events::action.eq(action.clone()));
            }
            // The identifiers' own bounds keep the walk short; the instants decide. Of two upper ones SQLite
            // begins at the first and walks down to the other.
            let mut below = filter.after.map(Key::from);
            if let Some(since) = filter.since {
                let first = first_of(Timestamp::from_millis(since.millis() - MADE_BEFORE_MS));
                query = query.filter(audit_events::at.ge(since.millis())).filter(audit_events::id.ge(first));
            }
            if let Some(until) = filter.until {
                let first = first_of(Timestamp::from_millis(until.millis() + 1));
                query = query.filter(audit_events::at.lt(until.millis()));
                below = Some(below.map_or(first, |below| below.min(first)));
            }
            if let Some(below) = below {
                query = query.filter(audit_events::id.lt(below));
            }
            query.load(conn).await
        })?;
        let items = rows.into_iter().map(AuditEntry::from).collect();
        Ok(Page::cut(items, limit, |entry: &AuditEntry| entry.id.to_string()))
    }
}
