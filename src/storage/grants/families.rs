//! Token families: one row each, rotated by one compare-and-set (RFC 6749 §6).

use std::collections::HashMap;

use diesel::{
    ExpressionMethods, Insertable, NullableExpressionMethods as _, OptionalExtension, QueryDsl,
    QueryResult, Queryable, Selectable, SelectableHelper,
};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection as _};

use crate::domain::{
    Authentication, EndReason, Ending, EventNumber, FamilyId, SessionId, TenantId, Timestamp,
    TokenFamily, UserId,
};
use crate::storage::{
    Key, Place, StorageError, TenantStore, Unit,
    engine::blame::{Failed, unless_lasting},
    engine::columns::portcullis_now_ms,
    engine::connection::{on_backend, on_conn, on_conn_each},
    engine::deadline,
    engine::marks::{Mark, mark_rows},
    engine::repeated::Repeated,
    fills,
};

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::engine::columns::Id16;

    token_families (tenant_id, id) {
        tenant_id -> Id16,
        id -> Id16,
        session_id -> Id16,
        user_id -> Id16,
        client_id -> Text,
        scope -> Text,
        resource -> Text,
        generation -> BigInt,
        born_seq -> BigInt,
        auth_time -> BigInt,
        amr -> Text,
        created_at -> BigInt,
        rotated_at -> Nullable<BigInt>,
        expires_at -> BigInt,
        ended_at -> Nullable<BigInt>,
        end_reason -> Nullable<Text>,
    }
}

/// Families of a session that are read at most to name its clients.
const MOST_READ: i64 = 100;

/// Families that are read at most along the sessions of a page.
const MOST_ALONG: i64 = 200;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = token_families)]
pub(in crate::storage) struct Row {
    tenant_id: Key,
    id: Key,
    session_id: Key,
    user_id: Key,
    client_id: String,
    scope: String,
    resource: String,
    generation: i64,
    born_seq: i64,
    auth_time: i64,
    amr: String,
    created_at: i64,
    rotated_at: Option<i64>,
    expires_at: i64,
    ended_at: Option<i64>,
    end_reason: Option<String>,
}

/// A family that is to be moved on from one generation to the next.
#[derive(Debug, Clone, Copy)]
pub(in crate::storage) struct Advance {
    pub(in crate::storage) tenant: TenantId,
    pub(in crate::storage) family: FamilyId,
    pub(in crate::storage) from: u32,
    pub(in crate::storage) expires_at: Timestamp,
}

/// The statement that does it, unless somebody else has done so by now, or has ended it.
macro_rules! advance_row {
    ($advance:expr) => {{
        let advance: Advance = $advance;
        let row = token_families::table
            .filter(token_families::tenant_id.eq(Key::from(advance.tenant)))
            .filter(token_families::id.eq(Key::from(advance.family)))
            .filter(token_families::generation.eq(i64::from(advance.from)))
            .filter(token_families::ended_at.is_null());
        Repeated(diesel::update(row).set((
            token_families::generation.eq(token_families::generation + 1),
            token_families::rotated_at.eq(portcullis_now_ms(0).nullable()),
            token_families::expires_at.eq(advance.expires_at.millis()),
        )))
    }};
}

impl TryFrom<Row> for TokenFamily {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            tenant_id: row.tenant_id.into(),
            id: row.id.into(),
            session_id: row.session_id.into(),
            user_id: row.user_id.into(),
            client_id: row.client_id,
            scope: row.scope.parse().map_err(StorageError::broken)?,
            resource: serde_json::from_str(&row.resource).map_err(StorageError::broken)?,
            generation: u32::try_from(row.generation).map_err(StorageError::broken)?,
            born_seq: EventNumber(row.born_seq),
            authentication: Authentication {
                at: Timestamp::from_millis(row.auth_time),
                amr: serde_json::from_str(&row.amr).map_err(StorageError::broken)?,
            },
            created_at: Timestamp::from_millis(row.created_at),
            rotated_at: row.rotated_at.map(Timestamp::from_millis),
            expires_at: Timestamp::from_millis(row.expires_at),
            ended_at: row.ended_at.map(Timestamp::from_millis),
            end_reason: EndReason::stored(row.end_reason.as_deref()),
        })
    }
}

impl TenantStore<'_> {
    /// Adds a family.
    pub async fn insert_family(&mut self, family: &TokenFamily) -> Result<(), StorageError> {
        let row = Row {
            tenant_id: self.key(),
            id: family.id.into(),
            session_id: family.session_id.into(),
            user_id: family.user_id.into(),
            client_id: family.client_id.clone(),
            scope: family.scope.to_string(),
            resource: serde_json::to_string(&family.resource).map_err(StorageError::broken)?,
            generation: family.generation.into(),
            born_seq: family.born_seq.0,
            auth_time: family.authentication.at.millis(),
            amr: serde_json::to_string(&family.authentication.amr).map_err(StorageError::broken)?,
            created_at: family.created_at.millis(),
            rotated_at: family.rotated_at.map(Timestamp::millis),
            expires_at: family.expires_at.millis(),
            ended_at: family.ended_at.map(Timestamp::millis),
            end_reason: family.end_reason.map(|reason| reason.as_str().to_owned()),
        };
        on_conn!(self.unit, conn => diesel::insert_into(token_families::table).values(&row).execute(conn).await)?;
        Ok(())
    }

    /// The family with this identifier.
    pub async fn find_family(&mut self, id: FamilyId) -> Result<Option<TokenFamily>, StorageError> {
        let query = token_families::table
            .filter(token_families::tenant_id.eq(self.key()))
            .filter(token_families::id.eq(Key::from(id)));
        let row: Option<Row> = on_conn!(self.unit, conn => query.select(Row::as_select()).first(conn).await.optional())?;
        row.map(TokenFamily::try_from).transpose()
    }

    /// The families of a session, the oldest first, 200 at most.
    pub async fn list_families(
        &mut self,
        session: SessionId,
    ) -> Result<Vec<TokenFamily>, StorageError> {
        let query = token_families::table
            .filter(token_families::tenant_id.eq(self.key()))
            .filter(token_families::session_id.eq(Key::from(session)))
            .order(token_families::id)
            .limit(200);
        let rows: Vec<Row> =
            on_conn!(self.unit, conn => query.select(Row::as_select()).load(conn).await)?;
        rows.into_iter().map(TokenFamily::try_from).collect()
    }

    /// What a client was granted in a session before the grant `before`, or at all; the newest first, 200 at
    /// most.
    pub async fn list_families_of(
        &mut self,
        session: SessionId,
        client_id: &str,
        before: Option<FamilyId>,
    ) -> Result<Vec<TokenFamily>, StorageError> {
        let before = before.map_or(Key::LAST, Key::from);
        let query = token_families::table
            .filter(token_families::tenant_id.eq(self.key()))
            .filter(token_families::client_id.eq(client_id.to_owned()))
            .filter(token_families::session_id.eq(Key::from(session)))
            .filter(token_families::id.lt(before))
            .order(token_families::id.desc())
            .limit(200);
        let rows: Vec<Row> =
            on_conn!(self.unit, conn => query.select(Row::as_select()).load(conn).await)?;
        rows.into_iter().map(TokenFamily::try_from).collect()
    }

    /// A user's grants after `after`, of every client, the oldest first; `limit` at most.
    pub async fn list_families_of_user(
        &mut self,
        user: UserId,
        after: Option<FamilyId>,
        limit: i64,
    ) -> Result<Vec<TokenFamily>, StorageError> {
        let after = after.map_or(Key::FIRST, Key::from);
        let query = token_families::table
            .filter(token_families::tenant_id.eq(self.key()))
            .filter(token_families::user_id.eq(Key::from(user)))
            .filter(token_families::id.gt(after))
            .order(token_families::id)
            .limit(limit);
        let rows: Vec<Row> =
            on_conn!(self.unit, conn => query.select(Row::as_select()).load(conn).await)?;
        rows.into_iter().map(TokenFamily::try_from).collect()
    }

    /// The clients that have families in these sessions, by session, in the order of their names.
    /// Of a session with very many families, those of the first are named.
    pub async fn clients_of(
        &mut self,
        sessions: &[SessionId],
    ) -> Result<HashMap<SessionId, Vec<String>>, StorageError> {
        let mut clients: HashMap<SessionId, Vec<String>> = HashMap::new();
        let mut rest: Vec<Key> = sessions.iter().copied().map(Key::from).collect();
        let (Some(first), Some(last)) = (rest.iter().min().copied(), rest.iter().max().copied())
        else {
            return Ok(clients);
        };
        // Sessions of a page mostly lie side by side: one look along them finds all.
        let key = self.key();
        let along = token_families::table
            .filter(token_families::tenant_id.eq(key))
            .filter(token_families::session_id.ge(first))
            .filter(token_families::session_id.le(last))
            .order((token_families::session_id, token_families::id))
            .limit(MOST_ALONG)
            .select((token_families::session_id, token_families::client_id));
        let mut found: Vec<(Key, String)> = on_conn!(self.unit, conn => along.load(conn).await)?;
        let is_cut = fills(found.len(), MOST_ALONG);
        let cut_at = found.last().filter(|_| is_cut).map(|(session, _)| *session);
        // The others are looked for one by one.
        rest.retain(|session| cut_at.is_some_and(|at| *session >= at));
        let others: Vec<Vec<(Key, String)>> = on_conn_each!(self.unit, rest, session, conn => {
            token_families::table
                .filter(token_families::tenant_id.eq(key))
                .filter(token_families::session_id.eq(session))
                .order(token_families::id)
                .limit(MOST_READ)
                .select((token_families::session_id, token_families::client_id))
                .load(conn)
                .await
        })?;
        found.extend(others.into_iter().flatten());
        for (session, client) in found {
            let known = clients.entry(session.into()).or_default();
            if let Err(at) = known.binary_search(&client) {
                known.insert(at, client);
            }
        }
        Ok(clients)
    }

    /// Moves a family on by itself; answers whether it did. Of two that move it on at once, one does.
    pub(in crate::storage) async fn advance_family(
        &mut self,
        advance: Advance,
    ) -> Result<bool, StorageError> {
        let moved = on_conn!(self.unit, conn => advance_row!(advance).execute(conn).await)?;
        Ok(moved == 1)
    }

    /// Ends one grant: its family, and its access tokens once this unit has committed.
    pub async fn end_family(
        &mut self,
        id: FamilyId,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Place, StorageError> {
        let mark = self.mark(id, reason, now);
        Place::only(&self.unit.end_families(&[mark]).await?)
    }

    /// Makes the last rotation of a family look as if it had happened `seconds` earlier. For
    /// tests: the grace is measured by the database's clock, which they cannot set.
    pub async fn age_rotations(&mut self, seconds: i64) -> Result<(), StorageError> {
        let target = token_families::table.filter(token_families::tenant_id.eq(self.key()));
        let change = token_families::rotated_at.eq(token_families::rotated_at - seconds * 1000);
        on_conn!(self.unit, conn => diesel::update(target).set(change).execute(conn).await)?;
        Ok(())
    }
}

impl Unit {
    /// Moves families on in one transaction of their own, for which PostgreSQL is asked once; tells of each
    /// in how many rows. Where one cannot be moved on, it cannot be told of the others whether they were.
    pub(in crate::storage) async fn advance_families(
        &mut self,
        advances: Vec<Advance>,
    ) -> Result<Vec<QueryResult<usize>>, StorageError> {
        on_backend!(self, sqlite conn => {
            let mut moved = Vec::with_capacity(advances.len());
            conn.begin_immediate()?;
            for advance in advances {
                moved.push(Ok(advance_row!(advance).execute(conn).await?));
            }
            conn.commit()?;
            Ok(moved)
        }, postgres conn => {
            let conn: &diesel_async::AsyncPgConnection = conn;
            let said = async |words| (&mut &*conn).batch_execute(words).await;
            let moved = advances.into_iter().map(async |advance| {
                advance_row!(advance).execute(&mut &*conn).await
            });
            // Sent in this order, before the first of them is answered.
            let (begun, moved, committed) = tokio::join!(
                said(deadline::SERVER_SIDE_GATHERED),
                futures_util::future::join_all(moved),
                said("COMMIT"),
            );
            begun.and(committed)?;
            moved.into_iter().map(unless_lasting).collect()
        })
    }

    /// Ends many grants, of whichever tenants. One may have access tokens without a family: its ending does
    /// not ask for a row.
    pub(in crate::storage) async fn end_families(
        &mut self,
        marks: &[Mark],
    ) -> Result<Vec<Place>, Failed> {
        mark_rows!(self, token_families, marks)?;
        let end = |mark: &Mark| self.tenant_of(mark.tenant).end_one(Ending::Grant(mark.row.into()));
        Ok(marks.iter().map(end).collect())
    }
}
