//! The audit trail.

use std::str::FromStr;

use diesel::{ExpressionMethods, Insertable, QueryDsl, Queryable, Selectable, SelectableHelper};
use diesel_async::RunQueryDsl;

use super::{Page, StorageError, TenantStore, Unit, connection::on_conn, schema::audit_events};
use crate::domain::{AuditEvent, Origin, TenantId, Timestamp};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_events)]
struct Row {
    tenant_id: String,
    id: String,
    at: i64,
    actor: String,
    action: String,
    target: String,
    reason: String,
    ip: String,
    user_agent: String,
}

impl TryFrom<Row> for AuditEvent {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            tenant_id: TenantId::from_str(&row.tenant_id).map_err(StorageError::corrupt)?,
            id: row.id,
            at: Timestamp::from_millis(row.at),
            actor: row.actor,
            action: row.action,
            target: row.target,
            reason: row.reason,
            origin: Origin { ip: row.ip, user_agent: row.user_agent, device: None },
        })
    }
}

fn row_of(event: &AuditEvent) -> Row {
    Row {
        tenant_id: event.tenant_id.to_string(),
        id: event.id.clone(),
        at: event.at.millis(),
        actor: event.actor.clone(),
        action: event.action.clone(),
        target: event.target.clone(),
        reason: event.reason.clone(),
        ip: event.origin.ip.clone(),
        user_agent: event.origin.user_agent.clone(),
    }
}

/// Which entries a list shows.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Those of this actor, `kind:name`.
    pub actor: Option<String>,
    /// Those of this action.
    pub action: Option<String>,
    /// Those at or after this instant.
    pub since: Option<Timestamp>,
    /// Those before this instant.
    pub until: Option<Timestamp>,
    /// The last identifier of the page before.
    pub after: Option<String>,
}

impl Unit {
    /// Adds entries of any tenants, as the buffer of refusals holds them.
    pub async fn insert_audit_batch(&mut self, events: &[AuditEvent]) -> Result<(), StorageError> {
        for event in events {
            let row = row_of(event);
            on_conn!(self, conn => diesel::insert_into(audit_events::table).values(&row).execute(conn).await)?;
        }
        Ok(())
    }
}

impl TenantStore<'_> {
    /// Adds an entry in the transaction of what it tells.
    pub async fn insert_audit(&mut self, event: &AuditEvent) -> Result<(), StorageError> {
        let row = row_of(event);
        on_conn!(self.unit, conn => diesel::insert_into(audit_events::table).values(&row).execute(conn).await)?;
        Ok(())
    }

    /// Entries, the newest first.
    pub async fn list_audit(&mut self, filter: &AuditFilter, limit: i64) -> Result<Page<AuditEvent>, StorageError> {
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
            if let Some(since) = filter.since {
                query = query.filter(audit_events::at.ge(since.millis()));
            }
            if let Some(until) = filter.until {
                query = query.filter(audit_events::at.lt(until.millis()));
            }
            if let Some(after) = &filter.after {
                query = query.filter(audit_events::id.lt(after.clone()));
            }
            query.load(conn).await
        })?;
        let items = rows.into_iter().map(AuditEvent::try_from).collect::<Result<_, _>>()?;
        Ok(Page::cut(items, limit, |event: &AuditEvent| event.id.clone()))
    }
}
