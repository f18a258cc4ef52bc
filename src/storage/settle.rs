//! Settling what an ending or a deletion has left: the effect is in force already, and never
//! waits for this. Rows are marked or removed a few at a time, in the order of their keys, so that
//! lists are right and nothing else waits long.

use diesel::{BoolExpressionMethods, ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;

use super::{
    Key, StorageError, Unit,
    connection::on_conn,
    revocation_events::Settle,
    schema::{authorization_codes, clients, consents, sessions, token_families, users},
};
use crate::domain::{EndReason, Ending, EventNumber, TenantId, Timestamp};

/// What a job has to settle.
pub(super) struct Settlement {
    pub(super) tenant_id: TenantId,
    pub(super) ending: Ending,
    pub(super) seq: EventNumber,
    pub(super) settle: Settle,
}

/// What a step has done, and where the next one goes on; `None` where nothing is left.
pub(super) struct Progress {
    pub(super) rows: usize,
    pub(super) position: Option<String>,
}

/// Rows of one step: a few milliseconds of SQLite's writer.
const SOME: i64 = 200;

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
    MarkFamilies, MarkSessions, RemoveClients, RemoveCodes, RemoveConsents, RemoveFamilies, RemoveSessions, RemoveUsers,
};

impl Settlement {
    fn stages(&self) -> &'static [Stage] {
        match (self.settle, &self.ending) {
            (Settle::Mark(_), _) => &[MarkSessions, MarkFamilies],
            (Settle::Remove, Ending::Client(_)) => &[MarkSessions, RemoveFamilies, RemoveConsents],
            (Settle::Remove, Ending::Tenant) => {
                &[RemoveSessions, RemoveFamilies, RemoveCodes, RemoveConsents, RemoveClients, RemoveUsers]
            }
            (Settle::Remove, _) => &[RemoveSessions, RemoveFamilies, RemoveConsents],
        }
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
        let mut key = || parts.next().and_then(|text| text.parse::<TenantId>().ok()).map_or(Self::FIRST, Key::from);
        Self { stage, after: (key(), key()) }
    }

    fn write(self) -> String {
        let (one, two) = self.after;
        format!("{}:{}:{}", self.stage, TenantId::from(one), TenantId::from(two))
    }
}

/// Settles some rows more.
pub(super) async fn some(
    unit: &mut Unit,
    settlement: &Settlement,
    position: &str,
    now: Timestamp,
) -> Result<Progress, StorageError> {
    let cursor = Cursor::read(position);
    let Some(stage) = settlement.stages().get(cursor.stage) else { return Ok(Progress { rows: 0, position: None }) };
    let (rows, last) = match stage {
        MarkSessions => mark_sessions(unit, settlement, cursor, now).await?,
        MarkFamilies => mark_families(unit, settlement, cursor, now).await?,
        RemoveSessions | RemoveFamilies | RemoveConsents | RemoveCodes | RemoveUsers | RemoveClients => {
            (remove(unit, settlement, *stage).await?, None)
        }
    };
    let is_full = i64::try_from(rows).is_ok_and(|rows| rows >= SOME);
    let next = match last {
        Some(after) if is_full => Cursor { after, ..cursor },
        // Removed rows are gone, so the next look begins where this one did.
        None if is_full => cursor,
        _ => Cursor { stage: cursor.stage + 1, after: (Cursor::FIRST, Cursor::FIRST) },
    };
    let left = next.stage < settlement.stages().len();
    Ok(Progress { rows, position: left.then(|| next.write()) })
}

/// Rows looked at, and the key of the last of them.
type Marked = (usize, Option<(Key, Key)>);

async fn mark_sessions(
    unit: &mut Unit,
    settlement: &Settlement,
    cursor: Cursor,
    now: Timestamp,
) -> Result<Marked, StorageError> {
    let tenant = Key::from(settlement.tenant_id);
    let found: Vec<(Key, i64, Option<i64>)> = on_conn!(unit, conn => {
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
            _ => query.filter(sessions::ended_at.is_null()),
        };
        query.load(conn).await
    })?;
    let is_due = |(_, born, ended): &&(Key, i64, Option<i64>)| ended.is_none() && *born < settlement.seq.0;
    let ended: Vec<Key> = found.iter().filter(is_due).map(|(id, ..)| *id).collect();
    let target = sessions::table.filter(sessions::tenant_id.eq(tenant)).filter(sessions::id.eq_any(ended));
    let change =
        (sessions::ended_at.eq(Some(now.millis())), sessions::end_reason.eq(Some(settlement.reason().as_str())));
    on_conn!(unit, conn => diesel::update(target).set(change).execute(conn).await)?;
    Ok((found.len(), found.last().map(|(id, ..)| (*id, Cursor::FIRST))))
}

/// Session, family, born, and when it was ended.
type FoundFamily = (Key, Key, i64, Option<i64>);

async fn mark_families(
    unit: &mut Unit,
    settlement: &Settlement,
    cursor: Cursor,
    now: Timestamp,
) -> Result<Marked, StorageError> {
    let tenant = Key::from(settlement.tenant_id);
    let (one, two) = cursor.after;
    let by_client = matches!(settlement.ending, Ending::Client(_));
    let found: Vec<FoundFamily> = on_conn!(unit, conn => {
        let query = token_families::table
            .filter(token_families::tenant_id.eq(tenant))
            .limit(SOME)
            .select((
                token_families::session_id,
                token_families::id,
                token_families::born_seq,
                token_families::ended_at,
            ))
            .into_boxed();
        let query = match &settlement.ending {
            Ending::Client(id) => query
                .filter(token_families::client_id.eq(id.clone()))
                .filter(token_families::session_id.ge(one))
                .filter(token_families::session_id.gt(one).or(token_families::id.gt(two)))
                .order((token_families::session_id, token_families::id)),
            Ending::User(id) => query
                .filter(token_families::user_id.eq(Key::from(*id)))
                .filter(token_families::id.gt(one))
                .order(token_families::id),
            _ => query.filter(token_families::id.gt(one)).order(token_families::id),
        };
        query.load(conn).await
    })?;
    let is_ended = |(_, _, born, ended): &&FoundFamily| ended.is_none() && *born < settlement.seq.0;
    let ended: Vec<Key> = found.iter().filter(is_ended).map(|(_, id, ..)| *id).collect();
    let target =
        token_families::table.filter(token_families::tenant_id.eq(tenant)).filter(token_families::id.eq_any(ended));
    let change = (
        token_families::ended_at.eq(Some(now.millis())),
        token_families::end_reason.eq(Some(settlement.reason().as_str())),
    );
    on_conn!(unit, conn => diesel::update(target).set(change).execute(conn).await)?;
    let last = found.last().map(|(session, id, ..)| if by_client { (*session, *id) } else { (*id, Cursor::FIRST) });
    Ok((found.len(), last))
}

/// Removes some rows of `$table`, found by `$key`, that `$narrow` leaves; answers how many.
macro_rules! remove_some {
    ($unit:expr, $tenant:expr, $table:ident, $key:expr, $type:ty, $query:ident => $narrow:expr) => {{
        let found: Vec<$type> = on_conn!($unit, conn => {
            // In no order: what was found is gone, and an order would choose the index.
            let $query = $table::table
                .filter($table::tenant_id.eq($tenant))
                .limit(SOME)
                .select($key)
                .into_boxed();
            let query = $narrow;
            query.load(conn).await
        })?;
        let target = $table::table.filter($table::tenant_id.eq($tenant)).filter($key.eq_any(found));
        on_conn!($unit, conn => diesel::delete(target).execute(conn).await)?
    }};
}

async fn remove(unit: &mut Unit, settlement: &Settlement, stage: Stage) -> Result<usize, StorageError> {
    let (tenant, before) = (Key::from(settlement.tenant_id), settlement.seq.0);
    let (user, client) = match &settlement.ending {
        Ending::User(id) => (Some(Key::from(*id)), None),
        Ending::Client(id) => (None, Some(id.clone())),
        _ => (None, None),
    };
    Ok(match stage {
        RemoveSessions => remove_some!(unit, tenant, sessions, sessions::id, Key, query => match user {
            Some(user) => query.filter(sessions::user_id.eq(user)),
            None => query,
        }),
        // A client that was made anew under the same name has families and consents of its own.
        RemoveFamilies => remove_some!(unit, tenant, token_families, token_families::id, Key, query => {
            let query = query.filter(token_families::born_seq.lt(before));
            match (user, &client) {
                (Some(user), _) => query.filter(token_families::user_id.eq(user)),
                (None, Some(client)) => query.filter(token_families::client_id.eq(client.clone())),
                (None, None) => query,
            }
        }),
        RemoveConsents => match &client {
            Some(client) => remove_consents_of_client(unit, tenant, client, before).await?,
            None => remove_some!(unit, tenant, consents, consents::user_id, Key, query => match user {
                Some(user) => query.filter(consents::user_id.eq(user)),
                None => query,
            }),
        },
        RemoveCodes => {
            remove_some!(unit, tenant, authorization_codes, authorization_codes::digest, Vec<u8>, query => query)
        }
        RemoveClients => remove_some!(unit, tenant, clients, clients::client_id, String, query => query),
        _ => remove_some!(unit, tenant, users, users::id, Key, query => query),
    })
}

async fn remove_consents_of_client(
    unit: &mut Unit,
    tenant: Key,
    client: &str,
    before: i64,
) -> Result<usize, StorageError> {
    let of_client = || {
        consents::table
            .filter(consents::tenant_id.eq(tenant))
            .filter(consents::client_id.eq(client.to_owned()))
            .filter(consents::born_seq.lt(before))
    };
    let found = of_client().order(consents::user_id).limit(SOME).select(consents::user_id);
    let found: Vec<Key> = on_conn!(unit, conn => found.load(conn).await)?;
    let target = of_client().filter(consents::user_id.eq_any(found));
    on_conn!(unit, conn => diesel::delete(target).execute(conn).await)
}
