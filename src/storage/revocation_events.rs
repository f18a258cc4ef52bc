//! The sequence of changes that every node follows.

use std::str::FromStr;

use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;

use super::{
    StorageError, TenantStore, Unit,
    connection::on_conn,
    schema::{revocation_events, revocation_head},
};
use crate::domain::{Change, Cutoff, CutoffKind, RevocationEvent, TenantId, Timestamp};

type Row = (i64, String, String, String, i64, i64);

const TENANT_CHANGED: &str = "tenant_changed";
const CLIENT_CHANGED: &str = "client_changed";
const KEYS_CHANGED: &str = "keys_changed";

/// How long a cut-off stays readable after its last token has expired: long enough that a
/// clock which ran ahead for a while takes none away too early.
const KEPT_MS: i64 = 86_400_000;

fn event_of((seq, tenant, kind, subject, at, expires_at): Row) -> Result<RevocationEvent, StorageError> {
    let tenant_id = TenantId::from_str(&tenant).map_err(StorageError::corrupt)?;
    let cutoff = CutoffKind::ALL.into_iter().find(|known| known.as_str() == kind);
    let change = match (kind.as_str(), cutoff) {
        (_, Some(kind)) => Change::Cutoff(Cutoff {
            tenant_id,
            kind,
            subject,
            at: Timestamp::from_millis(at),
            expires_at: Timestamp::from_millis(expires_at),
        }),
        (TENANT_CHANGED, _) => Change::Tenant(tenant_id),
        (CLIENT_CHANGED, _) => Change::Client(tenant_id, subject),
        (KEYS_CHANGED, _) => Change::Keys(tenant_id),
        (other, _) => return Err(StorageError::corrupt(format!("event kind {other}"))),
    };
    Ok(RevocationEvent { seq, change })
}

impl Unit {
    /// Writes a change into the sequence, in this transaction.
    ///
    /// Raising the head locks it until commit: numbers are gapless and become visible in order.
    pub(super) async fn record(&mut self, change: Change) -> Result<(), StorageError> {
        if self.events.iter().any(|event| event.change == change) {
            return Ok(());
        }
        let raise = diesel::update(revocation_head::table.filter(revocation_head::id.eq(1)))
            .set(revocation_head::seq.eq(revocation_head::seq + 1))
            .returning(revocation_head::seq);
        let seq: i64 = on_conn!(self, conn => raise.get_result(conn).await)?;
        let (tenant, kind, subject, at, expires_at) = match &change {
            Change::Cutoff(cutoff) => (
                cutoff.tenant_id,
                cutoff.kind.as_str(),
                cutoff.subject.clone(),
                cutoff.at.millis(),
                cutoff.expires_at.millis(),
            ),
            Change::Tenant(tenant) => (*tenant, TENANT_CHANGED, String::new(), 0, 0),
            Change::Client(tenant, client) => (*tenant, CLIENT_CHANGED, client.clone(), 0, 0),
            Change::Keys(tenant) => (*tenant, KEYS_CHANGED, String::new(), 0, 0),
        };
        let row = (
            revocation_events::seq.eq(seq),
            revocation_events::tenant_id.eq(tenant.to_string()),
            revocation_events::kind.eq(kind),
            revocation_events::subject.eq(subject),
            revocation_events::cutoff_at.eq(at),
            revocation_events::expires_at.eq(expires_at),
        );
        on_conn!(self, conn => diesel::insert_into(revocation_events::table).values(row).execute(conn).await)?;
        self.events.push(RevocationEvent { seq, change });
        Ok(())
    }

    /// Events after `seq`, in order, at most `limit`.
    pub async fn list_events(&mut self, after: i64, limit: i64) -> Result<Vec<RevocationEvent>, StorageError> {
        let query = revocation_events::table
            .filter(revocation_events::seq.gt(after))
            .order(revocation_events::seq)
            .limit(limit);
        let rows: Vec<Row> = on_conn!(self, conn => query.load(conn).await)?;
        rows.into_iter().map(event_of).collect()
    }

    /// The number of the last event.
    pub async fn last_event(&mut self) -> Result<i64, StorageError> {
        let query = revocation_head::table.filter(revocation_head::id.eq(1)).select(revocation_head::seq);
        Ok(on_conn!(self, conn => query.first(conn).await)?)
    }

    /// Removes events that speak of tokens which have all expired.
    pub(super) async fn sweep_events(&mut self, now: Timestamp) -> Result<usize, StorageError> {
        let head = self.last_event().await?;
        let kinds: Vec<&str> = CutoffKind::ALL.iter().map(|kind| kind.as_str()).collect();
        let cutoffs = revocation_events::table
            .filter(revocation_events::kind.eq_any(kinds.clone()))
            .filter(revocation_events::expires_at.lt(now.millis() - KEPT_MS));
        // Other changes carry no instant; a node further behind than this starts afresh.
        let changes = revocation_events::table
            .filter(revocation_events::kind.ne_all(kinds))
            .filter(revocation_events::seq.lt(head - 100_000));
        let gone = on_conn!(self, conn => diesel::delete(cutoffs).execute(conn).await)?;
        let more = on_conn!(self, conn => diesel::delete(changes).execute(conn).await)?;
        Ok(gone + more)
    }
}

impl TenantStore<'_> {
    /// Refuses one access token from now on (RFC 7009 §2.1).
    pub async fn revoke_token(&mut self, jti: &str, now: Timestamp, access_ttl: i64) -> Result<(), StorageError> {
        let cutoff = Cutoff::of_token(self.tenant_id, jti, now, access_ttl);
        self.unit.record(Change::Cutoff(cutoff)).await
    }

    /// The tenant's cut-offs that speak of one of `subjects`.
    pub async fn find_cutoffs(&mut self, subjects: Vec<String>) -> Result<Vec<Cutoff>, StorageError> {
        let query = revocation_events::table
            .filter(revocation_events::tenant_id.eq(self.key()))
            .filter(revocation_events::subject.eq_any(subjects));
        let rows: Vec<Row> = on_conn!(self.unit, conn => query.load(conn).await)?;
        let events = rows.into_iter().map(event_of).collect::<Result<Vec<_>, _>>()?;
        Ok(events
            .into_iter()
            .filter_map(|event| match event.change {
                Change::Cutoff(cutoff) => Some(cutoff),
                _ => None,
            })
            .collect())
    }
}
