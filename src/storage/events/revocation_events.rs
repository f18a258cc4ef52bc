//! The sequence of changes that every node follows, and where they get their numbers.

use std::collections::HashMap;

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl};
use diesel_async::RunQueryDsl;

use crate::domain::{
    Change, EndReason, Ending, EventNumber, NodeId, RevocationEvent, TenantId, TenantSettings,
    limits,
};
use crate::storage::{
    Key, StorageError, TenantStore, Unit,
    engine::columns::portcullis_now_ms,
    engine::connection::{on_conn, on_conn_each},
    engine::repeated::Repeated,
    jobs::settle,
    schema::tenants,
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

/// How long a change that ends nothing stays readable: a node further behind starts afresh.
const CHANGE_KEPT_MS: i64 = 3_600_000;

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
    change: Change,
    /// What is left to do about the rows of what was ended.
    settle: Option<Settle>,
    /// Seconds the one token that it speaks of lives.
    token_ttl: Option<i64>,
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

    /// Gives what waits its numbers. Raising the head locks its row until the commit that follows,
    /// so numbers are gapless, become visible in order, and are honest: whoever reads one sees
    /// everything that it and those before it speak of.
    pub(in crate::storage) async fn number_events(
        &mut self,
    ) -> Result<Vec<RevocationEvent>, StorageError> {
        let mut pending = std::mem::take(&mut self.pending);
        if pending.is_empty() {
            return Ok(Vec::new());
        }
        let mut lives = Vec::with_capacity(pending.len());
        // By tenant: endings that are gathered are many, of few tenants.
        let mut longest = HashMap::new();
        for Pending { change, token_ttl, settle } in &mut pending {
            lives.push(self.lives_ms(change, *token_ttl, &mut longest).await?);
            // Most who are logged out have nothing: a job for each would only be in others' way.
            if let (Change::Ending(tenant, ending), Some(_)) = (&change, &settle)
                && !settle::leaves_anything(self, *tenant, ending).await?
            {
                *settle = None;
            }
        }
        let count = i64::try_from(pending.len()).unwrap_or(i64::MAX);
        let head = revocation_head::table.filter(revocation_head::id.eq(1));
        let head = diesel::update(head)
            .set(revocation_head::seq.eq(revocation_head::seq + count))
            .returning(revocation_head::seq);
        let head = Repeated(head);
        let last: i64 = on_conn!(self, conn => head.get_result(conn).await)?;
        let mut events = Vec::with_capacity(pending.len());
        for ((pending, lives_ms), seq) in pending.into_iter().zip(lives).zip(last - count + 1..) {
            let event = RevocationEvent { seq: EventNumber(seq), change: pending.change, lives_ms };
            if let Change::Ending(tenant, ending) = &event.change {
                self.put_ended_seq(*tenant, ending, event.seq).await?;
                if let Some(settle) = pending.settle {
                    self.insert_settlement(*tenant, ending, settle, event.seq).await?;
                }
            }
            events.push(event);
        }
        self.insert_events(&events).await?;
        Ok(events)
    }

    /// How long an event must be remembered: as long as the last token that it speaks of lives.
    async fn lives_ms(
        &mut self,
        change: &Change,
        token_ttl: Option<i64>,
        longest: &mut HashMap<TenantId, i64>,
    ) -> Result<i64, StorageError> {
        let Change::Ending(tenant, _) = change else { return Ok(CHANGE_KEPT_MS) };
        let ttl = match (token_ttl, longest.get(tenant)) {
            (Some(ttl), _) | (None, Some(&ttl)) => ttl,
            (None, None) => {
                let ttl = self.longest_ttl(*tenant).await?;
                longest.insert(*tenant, ttl);
                ttl
            }
        };
        Ok((ttl + limits::ENDING_MARGIN).saturating_mul(1000))
    }

    /// The seconds that the longest token of a tenant lives, as far as it is not known.
    async fn longest_ttl(&mut self, tenant: TenantId) -> Result<i64, StorageError> {
        let query = tenants::table.filter(tenants::id.eq(Key::from(tenant))).select((
            tenants::access_ttl,
            tenants::longest_ttl,
            tenants::longest_ttl_until,
            portcullis_now_ms(0),
        ));
        let found: Option<(i64, i64, i64, i64)> =
            on_conn!(self, conn => query.first(conn).await.optional())?;
        let ttl = match found {
            Some((ttl, longest, until, now)) if now < until => ttl.max(longest),
            Some((ttl, ..)) => ttl,
            // The tenant is deleted in this very transaction.
            None => TenantSettings::MOST_ACCESS_TOKEN_TTL,
        };
        Ok(ttl.max(limits::SHELL_TOKEN_TTL))
    }

    async fn insert_events(&mut self, events: &[RevocationEvent]) -> Result<(), StorageError> {
        let rows = events.iter().map(|event| {
            let (tenant, kind, subject) = match &event.change {
                Change::Ending(tenant, ending) => (*tenant, ending.kind(), ending.subject(*tenant)),
                Change::Tenant(tenant) => (*tenant, TENANT_CHANGED, String::new()),
                Change::Client(tenant, client) => (*tenant, CLIENT_CHANGED, client.clone()),
                Change::Keys(tenant) => (*tenant, KEYS_CHANGED, String::new()),
            };
            (
                revocation_events::seq.eq(event.seq.0),
                revocation_events::tenant_id.eq(Key::from(tenant)),
                revocation_events::kind.eq(kind),
                revocation_events::subject.eq(subject),
                revocation_events::happened_at.eq(portcullis_now_ms(0)),
                revocation_events::expires_at.eq(portcullis_now_ms(event.lives_ms)),
            )
        });
        on_conn_each!(self, rows, row, conn => {
            diesel::insert_into(revocation_events::table).values(row).execute(conn).await
        })?;
        Ok(())
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
        let query = revocation_events::table
            .filter(revocation_events::seq.gt(after.0))
            .filter(revocation_events::seq.le(to.0))
            .filter(revocation_events::expires_at.gt(portcullis_now_ms(0)))
            .order(revocation_events::seq)
            .limit(limit)
            .select((
                revocation_events::seq,
                revocation_events::tenant_id,
                revocation_events::kind,
                revocation_events::subject,
                revocation_events::expires_at - portcullis_now_ms(0),
            ));
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
