//! How a unit ends: what it has told of is written, what it has changed gets its numbers, and all of it
//! lasts. PostgreSQL is sent each step's statements at once.

use std::collections::{BTreeSet, HashMap};

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::future::{join_all, try_join_all};

use super::{
    audit::{audit_events, row_of},
    revocation_events::{Pending, event_row, revocation_events, revocation_head},
};
use crate::domain::{
    AuditEntry, Change, EventNumber, RevocationEvent, TenantId, TenantSettings, limits,
};
use crate::storage::{
    Key, Unit,
    engine::blame::{Blame, Failed, all_written, unless_lasting},
    engine::columns::portcullis_now_ms,
    engine::connection::{Backend, on_backend},
    engine::in_place::SqliteConn,
    engine::repeated::Repeated,
    jobs::settle,
    schema::tenants,
};

/// How long a change that ends nothing stays readable: a node further behind starts afresh.
const CHANGE_KEPT_MS: i64 = 3_600_000;

/// A tenant's tokens: the seconds that they live, those that they lived before and until when that counts, and
/// what the time is.
type Lives = Option<(i64, i64, i64, i64)>;

/// The numbers that a unit takes.
struct Numbers {
    /// The last of them.
    last: EventNumber,
    /// The seconds that the longest token of each tenant lives.
    longest: HashMap<TenantId, i64>,
}

macro_rules! lives_of {
    ($tenant:expr) => {
        tenants::table.filter(tenants::id.eq(Key::from($tenant))).select((
            tenants::access_ttl,
            tenants::longest_ttl,
            tenants::longest_ttl_until,
            portcullis_now_ms(0),
        ))
    };
}

macro_rules! raise_head {
    ($count:expr) => {{
        let head = revocation_head::table.filter(revocation_head::id.eq(1));
        let raised = revocation_head::seq.eq(revocation_head::seq + $count);
        Repeated(diesel::update(head).set(raised).returning(revocation_head::seq))
    }};
}

impl Unit {
    /// Makes all of it last, and answers its events with their numbers.
    pub(in crate::storage) async fn seal(&mut self) -> Result<Vec<RevocationEvent>, Failed> {
        let events = self.number_events().await?;
        self.write_events(&events).await?;
        // Not sent with those before it: one that is new to a connection is prepared first, and would come
        // after it.
        self.commit_only().await?;
        Ok(events)
    }

    /// Gives what waits its numbers. Raising the head locks its row until the commit that follows,
    /// so numbers are gapless, become visible in order, and are honest: whoever reads one sees
    /// everything that it and those before it speak of.
    async fn number_events(&mut self) -> Result<Vec<RevocationEvent>, Failed> {
        let mut pending = std::mem::take(&mut self.pending);
        if pending.is_empty() {
            return Ok(Vec::new());
        }
        for Pending { change, settle, .. } in &mut pending {
            // Most who are logged out have nothing: a job for each would only be in others' way.
            if let (Change::Ending(tenant, ending), Some(_)) = (&*change, &*settle)
                && !settle::leaves_anything(self, *tenant, ending).await?
            {
                *settle = None;
            }
        }
        let Numbers { last, longest } = self.take_numbers(&pending).await?;
        let first = last.0 + 1 - i64::try_from(pending.len()).unwrap_or(i64::MAX);
        let mut events = Vec::with_capacity(pending.len());
        for (pending, seq) in pending.into_iter().zip(first..) {
            let lives_ms = lives_ms(&pending, &longest);
            let event = RevocationEvent { seq: EventNumber(seq), change: pending.change, lives_ms };
            if let Change::Ending(tenant, ending) = &event.change {
                self.put_ended_seq(*tenant, ending, event.seq).await?;
                if let Some(settle) = pending.settle {
                    self.insert_settlement(*tenant, ending, settle, event.seq).await?;
                }
            }
            events.push(event);
        }
        Ok(events)
    }

    /// Raises the head by as many as there are. What need not wait until it is locked is done before: the
    /// trail's entries, and the look at how long tokens live.
    async fn take_numbers(&mut self, pending: &[Pending]) -> Result<Numbers, Failed> {
        let count = i64::try_from(pending.len()).unwrap_or(i64::MAX);
        let told = self.told();
        let asked: BTreeSet<TenantId> = pending.iter().filter_map(asks_for_lives).collect();
        let (written, lives, last): (Written, Vec<Lives>, i64) = on_backend!(self, sqlite conn => {
            let written = told.insert_one_by_one(conn).await;
            let mut lives = Vec::with_capacity(asked.len());
            for tenant in &asked {
                lives.push(lives_of!(*tenant).first(conn).await.optional()?);
            }
            Ok((written, lives, raise_head!(count).get_result(conn).await?))
        }, postgres conn => {
            let conn: &AsyncPgConnection = conn;
            let (written, lives, last) = tokio::join!(
                told.insert_together(conn),
                try_join_all(asked.iter().map(async |tenant| {
                    lives_of!(*tenant).first(&mut &*conn).await.optional()
                })),
                async { raise_head!(count).get_result(&mut &*conn).await },
            );
            let written = written.into_iter().map(unless_lasting).collect::<QueryResult<Written>>()?;
            // One that was not written has undone the others, which say no more than that.
            match is_whole(&written) {
                true => Ok((written, lives?, last?)),
                false => Ok((written, Vec::new(), 0)),
            }
        })?;
        all_written(told.places(), written)?;
        let longest = asked.into_iter().zip(lives.into_iter().map(longest)).collect();
        Ok(Numbers { last: EventNumber(last), longest })
    }

    /// Writes the events, and what was told of where it is not written yet.
    async fn write_events(&mut self, events: &[RevocationEvent]) -> Result<(), Failed> {
        let told = self.told();
        if told.entries.is_empty() && events.is_empty() {
            return Ok(());
        }
        let written: Written = on_backend!(self, sqlite conn => {
            let written = told.insert_one_by_one(conn).await;
            for event in events {
                let row = diesel::insert_into(revocation_events::table).values(event_row!(event));
                row.execute(conn).await?;
            }
            Ok(written)
        }, postgres conn => {
            let conn: &AsyncPgConnection = conn;
            let insert = async |events: Vec<&RevocationEvent>| {
                let rows: Vec<_> = events.into_iter().map(|event| event_row!(event)).collect();
                let rows = diesel::insert_into(revocation_events::table).values(rows);
                Repeated(rows).execute(&mut &*conn).await
            };
            let events = together(events.iter().collect(), MOST_TOGETHER);
            let (written, numbered) =
                tokio::join!(told.insert_together(conn), join_all(events.into_iter().map(insert)));
            let written = written.into_iter().map(unless_lasting).collect::<QueryResult<Written>>()?;
            if is_whole(&written) {
                numbered.into_iter().collect::<QueryResult<Vec<_>>>()?;
            }
            Ok(written)
        })?;
        all_written(told.places(), written)
    }

    fn told(&mut self) -> Told {
        let most = if self.tells_one_by_one { 1 } else { MOST_TOGETHER };
        let most = if matches!(self.conn.0, Backend::Sqlite(_)) { 1 } else { most };
        Told { entries: together(std::mem::take(&mut self.told), most) }
    }
}

/// What an insert has come to, for each of those that were sent.
type Written = Vec<QueryResult<usize>>;

fn is_whole(written: &Written) -> bool {
    written.iter().all(Result::is_ok)
}

/// Rows that one statement inserts at most on PostgreSQL.
const MOST_TOGETHER: usize = 16;

/// Rows in the order in which they came, so many together as a statement inserts: powers of two, so that there
/// are few statements to keep prepared.
fn together<T>(rows: Vec<T>, most: usize) -> Vec<Vec<T>> {
    let mut rest = rows.into_iter();
    let next = || {
        let size = 1_usize.checked_shl(rest.len().checked_ilog2()?)?.min(most);
        Some(rest.by_ref().take(size).collect())
    };
    std::iter::from_fn(next).collect()
}

/// What a unit was told of.
struct Told {
    entries: Vec<Vec<AuditEntry>>,
}

impl Told {
    async fn insert_one_by_one(&self, conn: &mut SqliteConn) -> Written {
        let mut written = Vec::with_capacity(self.entries.len());
        for entry in self.entries.iter().flatten() {
            let row = diesel::insert_into(audit_events::table).values(row_of(entry));
            written.push(row.execute(conn).await);
        }
        written
    }

    async fn insert_together(&self, conn: &AsyncPgConnection) -> Written {
        let insert = async |entries: &Vec<AuditEntry>| {
            let rows: Vec<_> = entries.iter().map(row_of).collect();
            let rows = diesel::insert_into(audit_events::table).values(rows);
            Repeated(rows).execute(&mut &*conn).await
        };
        join_all(self.entries.iter().map(insert)).await
    }

    /// Which entries each statement is for.
    fn places(&self) -> impl Iterator<Item = Blame> {
        self.entries.iter().scan(0, |at, entries| {
            let by = if entries.len() == 1 { Blame::One(*at) } else { Blame::Somebody };
            *at += entries.len();
            Some(by)
        })
    }
}

/// The tenant whose tokens' lives decide how long an event must be remembered.
fn asks_for_lives(pending: &Pending) -> Option<TenantId> {
    match (&pending.change, pending.token_ttl) {
        (Change::Ending(tenant, _), None) => Some(*tenant),
        _ => None,
    }
}

/// How long an event must be remembered: as long as the last token that it speaks of lives.
fn lives_ms(pending: &Pending, longest: &HashMap<TenantId, i64>) -> i64 {
    let Change::Ending(tenant, _) = &pending.change else { return CHANGE_KEPT_MS };
    let known = pending.token_ttl.or_else(|| longest.get(tenant).copied());
    let ttl = known.unwrap_or(TenantSettings::MOST_ACCESS_TOKEN_TTL);
    (ttl + limits::ENDING_MARGIN).saturating_mul(1000)
}

/// The seconds that the longest token of a tenant lives, as far as it is not known.
fn longest(lives: Lives) -> i64 {
    let ttl = match lives {
        Some((ttl, longest, until, now)) if now < until => ttl.max(longest),
        Some((ttl, ..)) => ttl,
        // The tenant is deleted in this very transaction.
        None => TenantSettings::MOST_ACCESS_TOKEN_TTL,
    };
    ttl.max(limits::SHELL_TOKEN_TTL)
}

#[cfg(test)]
mod tests {
    use super::together;

    #[test]
    fn rows_go_together_by_powers_of_two_and_keep_their_order() {
        let sizes = |count: u32, most| -> Vec<usize> {
            let chunks = together((0..count).collect(), most);
            assert!(chunks.iter().flatten().copied().eq(0..count));
            chunks.iter().map(Vec::len).collect()
        };
        assert_eq!(sizes(0, 16), [0; 0]);
        assert_eq!(sizes(11, 16), [8, 2, 1]);
        assert_eq!(sizes(39, 16), [16, 16, 4, 2, 1]);
        assert_eq!(sizes(3, 1), [1, 1, 1]);
    }
}
