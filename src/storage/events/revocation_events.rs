//! The sequence of changes that every node follows, and where they get their numbers.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl};
use diesel_async::RunQueryDsl;

use crate::domain::{
    Change, EndReason, Ending, EndingsPage, EventNumber, NodeId, RevocationEvent, TenantEnding,
    TenantId, TenantSettings, Timestamp,
};
use crate::storage::{
    Key, StorageError, TenantStore, Unit,
    engine::columns::portcullis_now_ms,
    engine::connection::{on_conn, on_conn_each},
    fills,
};

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::engine::columns::Id16;

    revocation_events (seq) {
        seq -> BigInt,
        tenant_id -> Id16,
        kind -> Text,
        subject -> Text,
        happened_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::engine::columns::Id16;

    revocation_head (id) {
        id -> BigInt,
        seq -> BigInt,
        installation -> Id16,
    }
}

const TENANT_CHANGED: &str = "tenant_changed";
const CLIENT_CHANGED: &str = "client_changed";
const KEYS_CHANGED: &str = "keys_changed";

/// Where an ending's event will stand among those that the commit of its unit answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Place(usize);

impl Place {
    /// The one that there is, where one ending was asked for.
    pub(in crate::storage) fn only(places: &[Self]) -> Result<Self, StorageError> {
        places.first().copied().ok_or_else(|| StorageError::broken("an ending without a place"))
    }

    /// The number that the commit has given it.
    ///
    /// # Errors
    /// [`StorageError::Broken`] where they are the events of another unit.
    pub fn in_events(self, events: &[RevocationEvent]) -> Result<EventNumber, StorageError> {
        let event = events
            .get(self.0)
            .ok_or_else(|| StorageError::broken("an ending without its event"))?;
        Ok(event.seq)
    }
}

/// An event that waits for its number.
pub(in crate::storage) struct Pending {
    pub(super) change: Change,
    /// What is left to do about the rows of what was ended.
    pub(super) settle: Option<Settle>,
    /// Seconds the one token that it speaks of lives.
    pub(super) token_ttl: Option<i64>,
}

/// What a job does about the rows of what was ended or deleted; the ending itself is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::storage) enum Settle {
    /// It marks them.
    Mark(EndReason),
    /// It removes them.
    Remove,
}

type Row = (i64, Key, String, String, i64);

fn event_of((seq, tenant, kind, subject, lives_ms): Row) -> Result<RevocationEvent, StorageError> {
    let tenant = TenantId::from(tenant);
    let change = match kind.as_str() {
        TENANT_CHANGED => Change::Tenant(tenant),
        CLIENT_CHANGED => Change::Client(tenant, subject),
        KEYS_CHANGED => Change::Keys(tenant),
        kind => {
            let ending = Ending::read(kind, &subject);
            Change::Ending(
                tenant,
                ending.ok_or_else(|| StorageError::broken(format!("event kind {kind}")))?,
            )
        }
    };
    Ok(RevocationEvent { seq: EventNumber(seq), change, lives_ms })
}

/// Events after `$after` and up to `$to` that can still meet something, in order, each with `$until`.
macro_rules! in_force {
    ($after:expr, $to:expr, $until:expr) => {
        revocation_events::table
            .filter(revocation_events::seq.gt($after.0))
            .filter(revocation_events::seq.le($to.0))
            .filter(revocation_events::expires_at.gt(portcullis_now_ms(0)))
            .order(revocation_events::seq)
            .select((
                revocation_events::seq,
                revocation_events::tenant_id,
                revocation_events::kind,
                revocation_events::subject,
                $until,
            ))
    };
}

/// Tenant, kind and subject of a change, as its row has them.
pub(super) fn named(change: &Change) -> (Key, &'static str, String) {
    let (tenant, kind, subject) = match change {
        Change::Ending(tenant, ending) => (*tenant, ending.kind(), ending.subject(*tenant)),
        Change::Tenant(tenant) => (*tenant, TENANT_CHANGED, String::new()),
        Change::Client(tenant, client) => (*tenant, CLIENT_CHANGED, client.clone()),
        Change::Keys(tenant) => (*tenant, KEYS_CHANGED, String::new()),
    };
    (tenant.into(), kind, subject)
}

/// The row of an event.
macro_rules! event_row {
    ($event:expr) => {{
        let event: &$crate::domain::RevocationEvent = $event;
        let (tenant, kind, subject) =
            $crate::storage::events::revocation_events::named(&event.change);
        (
            revocation_events::seq.eq(event.seq.0),
            revocation_events::tenant_id.eq(tenant),
            revocation_events::kind.eq(kind),
            revocation_events::subject.eq(subject),
            revocation_events::happened_at.eq(portcullis_now_ms(0)),
            revocation_events::expires_at.eq(portcullis_now_ms(event.lives_ms)),
        )
    }};
}
pub(super) use event_row;

impl Unit {
    /// Has a change numbered when this unit commits.
    pub(in crate::storage) fn record(&mut self, change: Change) {
        let _ = self.push(Pending { change, settle: None, token_ttl: None });
    }

    /// Has everything of a tenant ended, since it was restored: whatever its longest token may be.
    pub(in crate::storage) fn end_restored(&mut self, tenant: TenantId) {
        let (change, settle) =
            (Change::Ending(tenant, Ending::Tenant), Some(Settle::Mark(EndReason::Restored)));
        let _ = self.push(Pending {
            change,
            settle,
            token_ttl: Some(TenantSettings::MOST_ACCESS_TOKEN_TTL),
        });
    }

    fn push(&mut self, pending: Pending) -> Place {
        if let Some(place) = self.pending.iter().position(|known| known.change == pending.change) {
            return Place(place);
        }
        self.pending.push(pending);
        Place(self.pending.len() - 1)
    }

    /// The number of the last event.
    pub async fn head(&mut self) -> Result<EventNumber, StorageError> {
        let query =
            revocation_head::table.filter(revocation_head::id.eq(1)).select(revocation_head::seq);
        Ok(EventNumber(on_conn!(self, conn => query.first(conn).await)?))
    }

    /// The installation's own identifier, under which Redis keeps its lists.
    pub async fn installation(&mut self) -> Result<NodeId, StorageError> {
        let query = revocation_head::table
            .filter(revocation_head::id.eq(1))
            .select(revocation_head::installation);
        let key: Key = on_conn!(self, conn => query.first(conn).await)?;
        Ok(key.into())
    }

    /// Events after `after` and up to `to` that can still meet a token or a cache, in order, at
    /// most `limit`.
    pub async fn list_events(
        &mut self,
        after: EventNumber,
        to: EventNumber,
        limit: i64,
    ) -> Result<Vec<RevocationEvent>, StorageError> {
        let lives_ms = revocation_events::expires_at - portcullis_now_ms(0);
        let query = in_force!(after, to, lives_ms).limit(limit);
        let rows: Vec<Row> = on_conn!(self, conn => query.load(conn).await)?;
        rows.into_iter().map(event_of).collect()
    }

    /// The tenant that event `seq` speaks of, while it is kept.
    pub async fn tenant_of_event(
        &mut self,
        seq: EventNumber,
    ) -> Result<Option<TenantId>, StorageError> {
        let query = revocation_events::table.filter(revocation_events::seq.eq(seq.0));
        let query = query.select(revocation_events::tenant_id);
        let found: Option<Key> = on_conn!(self, conn => query.first(conn).await.optional())?;
        Ok(found.map(TenantId::from))
    }

    /// Removes events that nothing can meet any more, `limit` at most; answers how many.
    pub(in crate::storage) async fn sweep_events(
        &mut self,
        limit: i64,
    ) -> Result<usize, StorageError> {
        let old = revocation_events::table
            .filter(revocation_events::expires_at.lt(portcullis_now_ms(0)))
            .order(revocation_events::expires_at)
            .limit(limit)
            .select(revocation_events::seq);
        let old: Vec<i64> = on_conn!(self, conn => old.load(conn).await)?;
        let count = old.len();
        let gone = old
            .into_iter()
            .map(|seq| revocation_events::table.filter(revocation_events::seq.eq(seq)));
        on_conn_each!(self, gone.map(diesel::delete), row, conn => row.execute(conn).await)?;
        Ok(count)
    }
}

impl TenantStore<'_> {
    /// Has everything of a user, a client or the tenant ended by the number that this unit's
    /// commit gives it, and what is left of it settled afterwards.
    pub fn end(&mut self, ending: Ending, reason: EndReason) -> Place {
        self.push_ending(ending, Some(Settle::Mark(reason)), None)
    }

    /// The same for one that this unit deletes: what is left of it is removed afterwards.
    pub(in crate::storage) fn end_deleted(&mut self, ending: Ending) -> Place {
        self.push_ending(ending, Some(Settle::Remove), None)
    }

    /// Has a session, a grant or a key refused by its identifier.
    pub(in crate::storage) fn end_one(&mut self, ending: Ending) -> Place {
        self.push_ending(ending, None, None)
    }

    /// Refuses one access token, which lives for `ttl` seconds more where that is known
    /// (RFC 7009 §2.1).
    pub fn end_token(&mut self, jti: &str, ttl: Option<i64>) -> Place {
        self.push_ending(Ending::Token(jti.to_owned()), None, ttl)
    }

    fn push_ending(
        &mut self,
        ending: Ending,
        settle: Option<Settle>,
        token_ttl: Option<i64>,
    ) -> Place {
        let change = Change::Ending(self.tenant_id, ending);
        self.unit.push(Pending { change, settle, token_ttl })
    }

    /// The tenant's endings after `after` and up to `to` that can still meet a token, `limit` at most.
    pub async fn endings_between(
        &mut self,
        after: EventNumber,
        to: EventNumber,
        limit: i64,
    ) -> Result<EndingsPage, StorageError> {
        let query = in_force!(after, to, revocation_events::expires_at)
            .filter(revocation_events::tenant_id.eq(self.key()))
            .limit(limit);
        let rows: Vec<Row> = on_conn!(self.unit, conn => query.load(conn).await)?;
        let last = rows.last().map(|(seq, ..)| EventNumber(*seq));
        let to = last.filter(|_| fills(rows.len(), limit)).unwrap_or(to);
        let events =
            rows.into_iter().map(|row| Ok((Timestamp::from_millis(row.4), event_of(row)?)));
        let endings = events.filter_map(|event| match event {
            Ok((until, RevocationEvent { seq, change: Change::Ending(_, ending), .. })) => {
                Some(Ok(TenantEnding { number: seq, ending, until }))
            }
            Ok(_) => None,
            Err(why) => Some(Err(why)),
        });
        Ok(EndingsPage { endings: endings.collect::<Result<_, StorageError>>()?, to })
    }

    /// The tenant's endings that speak of one of `subjects`, each with its number.
    pub async fn find_endings(
        &mut self,
        subjects: Vec<String>,
    ) -> Result<Vec<(EventNumber, Ending)>, StorageError> {
        let query = revocation_events::table
            .filter(revocation_events::tenant_id.eq(self.key()))
            .filter(revocation_events::subject.eq_any(subjects))
            .select((
                revocation_events::seq,
                revocation_events::tenant_id,
                revocation_events::kind,
                revocation_events::subject,
                revocation_events::expires_at,
            ));
        let rows: Vec<Row> = on_conn!(self.unit, conn => query.load(conn).await)?;
        let events = rows.into_iter().map(event_of).collect::<Result<Vec<_>, _>>()?;
        let endings = events.into_iter().filter_map(|event| match event.change {
            Change::Ending(_, ending) => Some((event.seq, ending)),
            _ => None,
        });
        Ok(endings.collect())
    }
}
