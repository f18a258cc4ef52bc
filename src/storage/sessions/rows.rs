//! Sessions, one by one.

use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, Selectable,
    SelectableHelper,
};
use diesel_async::RunQueryDsl;

use crate::domain::{
    Authentication, EndReason, Ending, EventNumber, Session, SessionId, Timestamp,
};
use crate::storage::{
    Key, Place, StorageError, TenantStore, Unit,
    engine::blame::Failed,
    engine::connection::{on_conn, on_conn_each},
    engine::marks::{Mark, mark_rows},
    engine::repeated::Repeated,
    fills,
    jobs::settle::SOME,
    schema::token_families,
};

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::engine::columns::Id16;

    sessions (tenant_id, id) {
        tenant_id -> Id16,
        id -> Id16,
        user_id -> Id16,
        kind -> Text,
        client_id -> Nullable<Text>,
        cookie_digest -> Nullable<Binary>,
        born_seq -> BigInt,
        auth_time -> BigInt,
        amr -> Text,
        ip -> Text,
        user_agent -> Text,
        created_at -> BigInt,
        last_seen_at -> BigInt,
        expires_at -> BigInt,
        ended_at -> Nullable<BigInt>,
        end_reason -> Nullable<Text>,
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions)]
pub(in crate::storage) struct Row {
    tenant_id: Key,
    id: Key,
    user_id: Key,
    kind: String,
    client_id: Option<String>,
    cookie_digest: Option<Vec<u8>>,
    born_seq: i64,
    auth_time: i64,
    amr: String,
    ip: String,
    user_agent: String,
    created_at: i64,
    last_seen_at: i64,
    expires_at: i64,
    ended_at: Option<i64>,
    end_reason: Option<String>,
}

impl Row {
    pub(in crate::storage) fn key(&self) -> Key {
        self.id
    }
}

impl TryFrom<Row> for Session {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            tenant_id: row.tenant_id.into(),
            id: row.id.into(),
            user_id: row.user_id.into(),
            kind: row.kind.parse().map_err(StorageError::broken)?,
            client_id: row.client_id,
            cookie_digest: row.cookie_digest,
            born_seq: EventNumber(row.born_seq),
            authentication: Authentication {
                at: Timestamp::from_millis(row.auth_time),
                amr: serde_json::from_str(&row.amr).map_err(StorageError::broken)?,
            },
            ip: row.ip,
            user_agent: row.user_agent,
            created_at: Timestamp::from_millis(row.created_at),
            last_seen_at: Timestamp::from_millis(row.last_seen_at),
            expires_at: Timestamp::from_millis(row.expires_at),
            ended_at: row.ended_at.map(Timestamp::from_millis),
            end_reason: EndReason::stored(row.end_reason.as_deref()),
        })
    }
}

impl TenantStore<'_> {
    /// Adds a session.
    pub async fn insert_session(&mut self, session: &Session) -> Result<(), StorageError> {
        let row = Row {
            tenant_id: self.key(),
            id: session.id.into(),
            user_id: session.user_id.into(),
            kind: session.kind.as_str().to_owned(),
            client_id: session.client_id.clone(),
            cookie_digest: session.cookie_digest.clone(),
            born_seq: session.born_seq.0,
            auth_time: session.authentication.at.millis(),
            amr: serde_json::to_string(&session.authentication.amr)
                .map_err(StorageError::broken)?,
            ip: session.ip.clone(),
            user_agent: session.user_agent.clone(),
            created_at: session.created_at.millis(),
            last_seen_at: session.last_seen_at.millis(),
            expires_at: session.expires_at.millis(),
            ended_at: session.ended_at.map(Timestamp::millis),
            end_reason: session.end_reason.map(|reason| reason.as_str().to_owned()),
        };
        on_conn!(self.unit, conn => diesel::insert_into(sessions::table).values(&row).execute(conn).await)?;
        Ok(())
    }

    /// The session with this identifier.
    pub async fn find_session(&mut self, id: SessionId) -> Result<Option<Session>, StorageError> {
        let query = sessions::table
            .filter(sessions::tenant_id.eq(self.key()))
            .filter(sessions::id.eq(Key::from(id)));
        let row: Option<Row> = on_conn!(self.unit, conn => query.select(Row::as_select()).first(conn).await.optional())?;
        row.map(Session::try_from).transpose()
    }

    /// Notes that a session was used.
    pub async fn touch_session(
        &mut self,
        id: SessionId,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let target = sessions::table
            .filter(sessions::tenant_id.eq(self.key()))
            .filter(sessions::id.eq(Key::from(id)));
        let change = sessions::last_seen_at.eq(now.millis());
        let touch = Repeated(diesel::update(target).set(change));
        on_conn!(self.unit, conn => touch.execute(conn).await)?;
        Ok(())
    }

    /// Puts a session under a new cookie, its user having proven anew who they are.
    pub async fn renew_session(
        &mut self,
        id: SessionId,
        digest: &[u8],
        authentication: &Authentication,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let target = sessions::table
            .filter(sessions::tenant_id.eq(self.key()))
            .filter(sessions::id.eq(Key::from(id)));
        let change = (
            sessions::cookie_digest.eq(Some(digest.to_vec())),
            sessions::auth_time.eq(authentication.at.millis()),
            sessions::amr
                .eq(serde_json::to_string(&authentication.amr).map_err(StorageError::broken)?),
            sessions::last_seen_at.eq(now.millis()),
        );
        on_conn!(self.unit, conn => diesel::update(target).set(change).execute(conn).await)?;
        Ok(())
    }

    /// Ends one session, and has its tokens refused once this unit has committed. Its families
    /// are dead with it; they are marked so that lists are right.
    pub async fn end_session(
        &mut self,
        id: SessionId,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Place, StorageError> {
        let mark = self.mark(id, reason, now);
        Place::only(&self.unit.end_sessions(&[mark]).await?)
    }
}

impl Unit {
    /// The same for many sessions, of whichever tenants.
    pub(in crate::storage) async fn end_sessions(
        &mut self,
        marks: &[Mark],
    ) -> Result<Vec<Place>, Failed> {
        mark_rows!(self, sessions, marks)?;
        let queries = marks.iter().map(|mark| {
            token_families::table
                .filter(token_families::tenant_id.eq(Key::from(mark.tenant)))
                .filter(token_families::session_id.eq(mark.row))
                .order(token_families::id)
                .limit(SOME)
                .select((token_families::id, token_families::ended_at))
        });
        let families: Vec<Vec<(Key, Option<i64>)>> =
            on_conn_each!(self, queries, query, conn => query.load(conn).await)?;
        let live: Vec<Mark> = marks
            .iter()
            .zip(&families)
            .flat_map(|(mark, families)| {
                let live = families.iter().filter(|(_, ended)| ended.is_none());
                live.map(|(id, _)| Mark { row: *id, ..*mark })
            })
            .collect();
        mark_rows!(self, token_families, &live)?;
        let mut places = Vec::with_capacity(marks.len());
        for (mark, families) in marks.iter().zip(&families) {
            let ending = Ending::Session(mark.row.into());
            let mut store = self.tenant_of(mark.tenant);
            // A session may have any number of families: those that are left are marked by a job.
            places.push(if fills(families.len(), SOME) {
                store.end(ending, mark.reason)
            } else {
                store.end_one(ending)
            });
        }
        Ok(places)
    }
}
