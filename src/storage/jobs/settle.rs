//! Settling what an ending or a deletion has left: the effect is in force already, and never
//! waits for this. Rows are marked or removed a few at a time, in the order of their keys, so that
//! lists are right and nothing else waits long.

use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;

use crate::domain::{EndReason, Ending, EventNumber, TenantId, Timestamp};
use crate::storage::{
    Key, StorageError, Unit,
    engine::connection::{on_conn, on_conn_each, remove_rows},
    engine::marks::{Mark, mark_rows},
    events::revocation_events::Settle,
    fills,
    schema::{authorization_codes, clients, consents, sessions, token_families, users},
};

/// What a job has to settle.
pub(in crate::storage) struct Settlement {
    pub(in crate::storage) tenant_id: TenantId,
    pub(in crate::storage) ending: Ending,
    pub(in crate::storage) seq: EventNumber,
    pub(in crate::storage) settle: Settle,
}

/// What a step has done, and where the next one goes on; `None` where nothing is left.
pub(in crate::storage) struct Progress {
    pub(in crate::storage) rows: usize,
    pub(in crate::storage) position: Option<String>,
}

/// Rows of one step: a few milliseconds of SQLite's writer.
pub(in crate::storage) const SOME: i64 = 200;

/// A stage of a settlement: one table, walked in the order of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    MarkSessions,
    MarkFamilies,
    RemoveSessions,
    RemoveFamilies,
    RemoveConsents,
    RemoveCodes,
    RemoveUsers,
    RemoveClients,
}

use Stage::{
    MarkFamilies, MarkSessions, RemoveClients, RemoveCodes, RemoveConsents, RemoveFamilies,
    RemoveSessions, RemoveUsers,
};

impl Settlement {
    fn stages(&self) -> &'static [Stage] {
        match (self.settle, &self.ending) {
            // The session itself was marked with its ending.
            (Settle::Mark(_), Ending::Session(_)) => &[MarkFamilies],
            (Settle::Mark(_), _) => &[MarkSessions, MarkFamilies],
            (Settle::Remove, Ending::Client(_)) => &[MarkSessions, RemoveFamilies, RemoveConsents],
            (Settle::Remove, Ending::Tenant) => &[
                RemoveSessions,
                RemoveFamilies,
                RemoveCodes,
                RemoveConsents,
                RemoveClients,
                RemoveUsers,
            ],
            (Settle::Remove, _) => &[RemoveSessions, RemoveFamilies, RemoveConsents],
        }
    }

    fn marks(&self, rows: impl Iterator<Item = Key>, now: Timestamp) -> Vec<Mark> {
        let (tenant, reason) = (self.tenant_id, self.reason());
        rows.map(|row| Mark { at: 0, tenant, row, reason, now }).collect()
    }

    fn reason(&self) -> EndReason {
        match (self.settle, &self.ending) {
            (Settle::Mark(reason), _) => reason,
            (Settle::Remove, Ending::Client(_)) => EndReason::ClientDeleted,
            (Settle::Remove, _) => EndReason::UserChanged,
        }
    }
}

/// Where a stage stands: after the row of this key, or before the first.
#[derive(Clone, Copy)]
struct Cursor {
    stage: usize,
    /// The key of the last row, and what comes before it in the order, where something does.
    after: (Key, Key),
}

impl Cursor {
    const FIRST: Key = Key([0; 16]);

    fn read(position: &str) -> Self {
        let mut parts = position.split(':');
        let stage = parts.next().and_then(|stage| stage.parse().ok()).unwrap_or(0);
        let mut key = || {
            parts
                .next()
                .and_then(|text| text.parse::<TenantId>().ok())
                .map_or(Self::FIRST, Key::from)
        };
        Self { stage, after: (key(), key()) }
    }

    fn write(self) -> String {
        let (one, two) = self.after;
        format!("{}:{}:{}", self.stage, TenantId::from(one), TenantId::from(two))
    }
}

/// Rows looked at, and the key of the last of them, where the walk goes by one.
type Walked = (usize, Option<(Key, Key)>);

/// Settles some rows more: stage after stage, until a page is full or nothing is left.
pub(in crate::storage) async fn some(
    unit: &mut Unit,
    settlement: &Settlement,
    position: &str,
    now: Timestamp,
) -> Result<Progress, StorageError> {
    let stages = settlement.stages();
    let (mut cursor, mut rows) = (Cursor::read(position), 0);
    while let Some(stage) = stages.get(cursor.stage) {
        let (some, last) = one(unit, settlement, *stage, cursor, now).await?;
        rows += some;
        let is_full = fills(some, SOME);
        cursor = match last {
            Some(after) if is_full => Cursor { after, ..cursor },
            // Removed rows are gone, so the next look begins where this one did.
            None if is_full => cursor,
            _ => Cursor { stage: cursor.stage + 1, after: (Cursor::FIRST, Cursor::FIRST) },
        };
        if fills(rows, SOME) {
            break;
        }
    }
    let left = cursor.stage < stages.len();
    Ok(Progress { rows, position: left.then(|| cursor.write()) })
}

async fn one(
    unit: &mut Unit,
    settlement: &Settlement,
    stage: Stage,
    cursor: Cursor,
    now: Timestamp,
) -> Result<Walked, StorageError> {
    let tenant = Key::from(settlement.tenant_id);
    Ok(match stage {
        MarkSessions | RemoveSessions => {
            settle_sessions(unit, settlement, stage, cursor, now).await?
        }
        MarkFamilies | RemoveFamilies => {
            settle_families(unit, settlement, stage, cursor, now).await?
        }
        RemoveConsents => remove_consents(unit, settlement, cursor).await?,
        RemoveCodes => (remove_codes(unit, tenant).await?, None),
        RemoveUsers => (remove_users(unit, tenant).await?, None),
        RemoveClients => (remove_clients(unit, tenant).await?, None),
    })
}

/// Whether an ending leaves any row to settle. Only a user's is looked at: anything else may have
/// rows in any of the tables.
pub(in crate::storage) async fn leaves_anything(
    unit: &mut Unit,
    tenant: TenantId,
    ending: &Ending,
) -> Result<bool, StorageError> {
    let (tenant, user) = match ending {
        Ending::User(id) => (Key::from(tenant), Key::from(*id)),
        _ => return Ok(true),
    };
    let session = sessions::table
        .filter(sessions::tenant_id.eq(tenant))
        .filter(sessions::user_id.eq(user))
        .limit(1)
        .select(sessions::id);
    let session: Vec<Key> = on_conn!(unit, conn => session.load(conn).await)?;
    if !session.is_empty() {
        return Ok(true);
    }
    let consent = consents::table
        .filter(consents::tenant_id.eq(tenant))
        .filter(consents::user_id.eq(user))
        .limit(1)
        .select(consents::client_id);
    let consent: Vec<String> = on_conn!(unit, conn => consent.load(conn).await)?;
    Ok(!consent.is_empty())
}

/// Identifier, born, and when it was ended.
type FoundSession = (Key, i64, Option<i64>);

async fn settle_sessions(
    unit: &mut Unit,
    settlement: &Settlement,
    stage: Stage,
    cursor: Cursor,
    now: Timestamp,
) -> Result<Walked, StorageError> {
    let tenant = Key::from(settlement.tenant_id);
    let found: Vec<FoundSession> = on_conn!(unit, conn => {
        let query = sessions::table
            .filter(sessions::tenant_id.eq(tenant))
            .filter(sessions::id.gt(cursor.after.0))
            .order(sessions::id)
            .limit(SOME)
            .select((sessions::id, sessions::born_seq, sessions::ended_at))
            .into_boxed();
        let query = match &settlement.ending {
            Ending::User(id) => query.filter(sessions::user_id.eq(Key::from(*id))),
            Ending::Client(id) => query.filter(sessions::client_id.eq(Some(id.clone()))),
            _ => query,
        };
        query.load(conn).await
    })?;
    let is_removed = stage == RemoveSessions;
    let is_due = |(_, born, ended): &&FoundSession| {
        is_removed || (ended.is_none() && *born < settlement.seq.0)
    };
    let due = found.iter().filter(is_due).map(|(id, ..)| *id);
    if is_removed {
        remove_rows!(unit, sessions, tenant, sessions::id, due)?;
    } else {
        mark_rows!(unit, sessions, &settlement.marks(due, now))?;
    }
    Ok((found.len(), found.last().map(|(id, ..)| (*id, Cursor::FIRST))))
}

/// Session, family, born, and when it was ended.
type FoundFamily = (Key, Key, i64, Option<i64>);

async fn settle_families(
    unit: &mut Unit,
    settlement: &Settlement,
    stage: Stage,
    cursor: Cursor,
    now: Timestamp,
) -> Result<Walked, StorageError> {
    let tenant = Key::from(settlement.tenant_id);
    let is_removed = stage == RemoveFamilies;
    let found = match &settlement.ending {
        Ending::Client(client) => families_of_client(unit, tenant, client, cursor.after).await?,
        _ => families_by_id(unit, tenant, &settlement.ending, cursor.after.0).await?,
    };
    // A client that was made anew under the same name has families of its own.
    let is_due = |(_, _, born, ended): &&FoundFamily| {
        *born < settlement.seq.0 && (is_removed || ended.is_none())
    };
    let due = found.iter().filter(is_due).map(|(_, id, ..)| *id);
    if is_removed {
        remove_rows!(unit, token_families, tenant, token_families::id, due)?;
    } else {
        mark_rows!(unit, token_families, &settlement.marks(due, now))?;
    }
    let by_client = matches!(settlement.ending, Ending::Client(_));
    let last = found
        .last()
        .map(|(session, id, ..)| if by_client { (*session, *id) } else { (*id, Cursor::FIRST) });
    Ok((found.len(), last))
}

/// What is looked at of a family.
macro_rules! found_families {
    ($tenant:expr, $limit:expr) => {
        token_families::table.filter(token_families::tenant_id.eq($tenant)).limit($limit).select((
            token_families::session_id,
            token_families::id,
            token_families::born_seq,
            token_families::ended_at,
        ))
    };
}

async fn families_by_id(
    unit: &mut Unit,
    tenant: Key,
    ending: &Ending,
    after: Key,
) -> Result<Vec<FoundFamily>, StorageError> {
    on_conn!(unit, conn => {
        let query = found_families!(tenant, SOME)
            .filter(token_families::id.gt(after))
            .order(token_families::id)
            .into_boxed();
        let query = match ending {
            Ending::User(id) => query.filter(token_families::user_id.eq(Key::from(*id))),
            Ending::Session(id) => query.filter(token_families::session_id.eq(Key::from(*id))),
            _ => query,
        };
        query.load(conn).await
    })
}

/// The rest of the session where the walk stands, then the sessions after it.
async fn families_of_client(
    unit: &mut Unit,
    tenant: Key,
    client: &str,
    (session, family): (Key, Key),
) -> Result<Vec<FoundFamily>, StorageError> {
    let of_client = |limit| {
        found_families!(tenant, limit).filter(token_families::client_id.eq(client.to_owned()))
    };
    let rest = of_client(SOME)
        .filter(token_families::session_id.eq(session))
        .filter(token_families::id.gt(family))
        .order(token_families::id);
    let mut found: Vec<FoundFamily> = on_conn!(unit, conn => rest.load(conn).await)?;
    let left = SOME - i64::try_from(found.len()).unwrap_or(SOME);
    if left > 0 {
        let next = of_client(left)
            .filter(token_families::session_id.gt(session))
            .order((token_families::session_id, token_families::id));
        found.extend::<Vec<FoundFamily>>(on_conn!(unit, conn => next.load(conn).await)?);
    }
    Ok(found)
}

/// User, client, born.
type FoundConsent = (Key, String, i64);

async fn remove_consents(
    unit: &mut Unit,
    settlement: &Settlement,
    cursor: Cursor,
) -> Result<Walked, StorageError> {
    let tenant = Key::from(settlement.tenant_id);
    let of_client = matches!(settlement.ending, Ending::Client(_));
    let found: Vec<FoundConsent> = on_conn!(unit, conn => {
        let query = consents::table
            .filter(consents::tenant_id.eq(tenant))
            .order(consents::user_id)
            .limit(SOME)
            .select((consents::user_id, consents::client_id, consents::born_seq))
            .into_boxed();
        let query = match &settlement.ending {
            Ending::User(id) => query.filter(consents::user_id.eq(Key::from(*id))),
            Ending::Client(id) => {
                query.filter(consents::client_id.eq(id.clone())).filter(consents::user_id.gt(cursor.after.0))
            }
            _ => query,
        };
        query.load(conn).await
    })?;
    // A client that was made anew under the same name has consents of its own.
    let due = found.iter().filter(|(.., born)| !of_client || *born < settlement.seq.0);
    let rows = due.map(|(user, client, _)| {
        consents::table
            .filter(consents::tenant_id.eq(tenant))
            .filter(consents::user_id.eq(*user))
            .filter(consents::client_id.eq(client.clone()))
    });
    on_conn_each!(unit, rows.map(diesel::delete), row, conn => row.execute(conn).await)?;
    // Of a client some may stay, so the walk goes on behind them.
    let last = found.last().filter(|_| of_client).map(|(user, ..)| (*user, Cursor::FIRST));
    Ok((found.len(), last))
}

/// Removes some rows of `$table`, found in the order of `$key`; answers how many.
macro_rules! remove_some {
    ($unit:expr, $tenant:expr, $table:ident, $key:expr, $type:ty) => {{
        let found = $table::table.filter($table::tenant_id.eq($tenant)).order($key).limit(SOME).select($key);
        let found: Vec<$type> = on_conn!($unit, conn => found.load(conn).await)?;
        remove_rows!($unit, $table, $tenant, $key, found)?.len()
    }};
}

async fn remove_codes(unit: &mut Unit, tenant: Key) -> Result<usize, StorageError> {
    Ok(remove_some!(unit, tenant, authorization_codes, authorization_codes::digest, Vec<u8>))
}

async fn remove_users(unit: &mut Unit, tenant: Key) -> Result<usize, StorageError> {
    Ok(remove_some!(unit, tenant, users, users::id, Key))
}

async fn remove_clients(unit: &mut Unit, tenant: Key) -> Result<usize, StorageError> {
    Ok(remove_some!(unit, tenant, clients, clients::client_id, String))
}
