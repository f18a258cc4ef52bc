//! Sessions, and ending them.

use std::str::FromStr;

use diesel::{
    BoolExpressionMethods, ExpressionMethods, Insertable, JoinOnDsl, OptionalExtension, QueryDsl, Queryable,
    Selectable, SelectableHelper, dsl::exists,
};
use diesel_async::RunQueryDsl;

use super::{
    Page, StorageError, TenantStore,
    connection::on_conn,
    schema::{sessions, token_families, users},
    users::Row as UserRow,
};
use crate::domain::{Change, Cutoff, EndReason, Session, SessionId, SessionKind, TenantId, Timestamp, User, UserId};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions)]
struct Row {
    tenant_id: String,
    id: String,
    user_id: String,
    kind: String,
    cookie_digest: Option<Vec<u8>>,
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

impl TryFrom<Row> for Session {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            tenant_id: TenantId::from_str(&row.tenant_id).map_err(StorageError::corrupt)?,
            id: SessionId::from_str(&row.id).map_err(StorageError::corrupt)?,
            user_id: UserId::from_str(&row.user_id).map_err(StorageError::corrupt)?,
            kind: match row.kind.as_str() {
                "browser" => SessionKind::Browser,
                "first_party" => SessionKind::FirstParty,
                "password" => SessionKind::Password,
                "console" => SessionKind::Console,
                other => return Err(StorageError::corrupt(format!("session kind {other}"))),
            },
            cookie_digest: row.cookie_digest,
            auth_time: Timestamp::from_millis(row.auth_time),
            amr: serde_json::from_str(&row.amr).map_err(StorageError::corrupt)?,
            ip: row.ip,
            user_agent: row.user_agent,
            created_at: Timestamp::from_millis(row.created_at),
            last_seen_at: Timestamp::from_millis(row.last_seen_at),
            expires_at: Timestamp::from_millis(row.expires_at),
            ended_at: row.ended_at.map(Timestamp::from_millis),
            end_reason: row.end_reason.as_deref().and_then(EndReason::from_word),
        })
    }
}

/// Which sessions a list shows.
#[derive(Debug, Clone, Default)]
pub struct SessionFilter {
    /// Those of this user.
    pub user: Option<UserId>,
    /// Those in which this client has a token family.
    pub client: Option<String>,
    /// Those made from this address.
    pub ip: Option<String>,
    /// Live ones, or ended and expired ones.
    pub active: Option<bool>,
    /// The last identifier of the page before.
    pub after: Option<String>,
}

/// Which sessions an ending reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// One session.
    Session(SessionId),
    /// Every session of a user.
    User(UserId),
    /// Every grant of a client, and the sessions that were made through it alone.
    Client(String),
    /// Every session of the tenant.
    Tenant,
}

/// What an ending reached, or would reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, utoipa::ToSchema)]
pub struct Ended {
    /// Sessions.
    pub sessions: usize,
    /// Refresh token families.
    pub families: usize,
}

/// A boxed query of the ids of the live sessions that `$selection` reaches; the connection it
/// is run on tells its backend.
macro_rules! reached_sessions {
    ($key:expr, $selection:expr) => {{
        let query = sessions::table
            .filter(sessions::tenant_id.eq($key))
            .filter(sessions::ended_at.is_null())
            .select(sessions::id)
            .into_boxed();
        match $selection {
            Selection::Session(id) => query.filter(sessions::id.eq(id.to_string())),
            Selection::User(id) => query.filter(sessions::user_id.eq(id.to_string())),
            Selection::Client(client_id) => {
                let families = token_families::table
                    .filter(token_families::tenant_id.eq(sessions::tenant_id))
                    .filter(token_families::session_id.eq(sessions::id))
                    .filter(token_families::client_id.eq(client_id.clone()));
                query.filter(sessions::kind.eq_any(["first_party", "password"])).filter(exists(families))
            }
            Selection::Tenant => query,
        }
    }};
}

/// The same for the ids of live token families.
macro_rules! reached_families {
    ($key:expr, $selection:expr) => {{
        let query = token_families::table
            .filter(token_families::tenant_id.eq($key))
            .filter(token_families::ended_at.is_null())
            .select(token_families::id)
            .into_boxed();
        match $selection {
            Selection::Session(id) => query.filter(token_families::session_id.eq(id.to_string())),
            Selection::User(id) => query.filter(token_families::user_id.eq(id.to_string())),
            Selection::Client(id) => query.filter(token_families::client_id.eq(id.clone())),
            Selection::Tenant => query,
        }
    }};
}

impl TenantStore<'_> {
    /// Adds a session.
    pub async fn insert_session(&mut self, session: &Session) -> Result<(), StorageError> {
        let row = Row {
            tenant_id: self.key(),
            id: session.id.to_string(),
            user_id: session.user_id.to_string(),
            kind: session.kind.as_str().to_owned(),
            cookie_digest: session.cookie_digest.clone(),
            auth_time: session.auth_time.millis(),
            amr: serde_json::to_string(&session.amr).map_err(StorageError::corrupt)?,
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
        let query = sessions::table.filter(sessions::tenant_id.eq(self.key())).filter(sessions::id.eq(id.to_string()));
        let row: Option<Row> =
            on_conn!(self.unit, conn => query.select(Row::as_select()).first(conn).await.optional())?;
        row.map(Session::try_from).transpose()
    }

    /// A session and its user, in one round trip: every refresh needs both.
    pub async fn find_session_and_user(&mut self, id: SessionId) -> Result<Option<(Session, User)>, StorageError> {
        let of_it = users::tenant_id.eq(sessions::tenant_id).and(users::id.eq(sessions::user_id));
        let query = sessions::table
            .inner_join(users::table.on(of_it))
            .filter(sessions::tenant_id.eq(self.key()))
            .filter(sessions::id.eq(id.to_string()));
        let rows: Option<(Row, UserRow)> = on_conn!(self.unit, conn => query
            .select((Row::as_select(), UserRow::as_select()))
            .first(conn)
            .await
            .optional())?;
        rows.map(|(session, user)| Ok((session.try_into()?, user.try_into()?))).transpose()
    }

    /// The session that a cookie with this SHA-256 carries.
    pub async fn find_session_by_cookie(&mut self, digest: &[u8]) -> Result<Option<Session>, StorageError> {
        let query = sessions::table
            .filter(sessions::tenant_id.eq(self.key()))
            .filter(sessions::cookie_digest.eq(Some(digest.to_vec())));
        let row: Option<Row> =
            on_conn!(self.unit, conn => query.select(Row::as_select()).first(conn).await.optional())?;
        row.map(Session::try_from).transpose()
    }

    /// Notes that a session was used.
    pub async fn touch_session(&mut self, id: SessionId, now: Timestamp) -> Result<(), StorageError> {
        let target = sessions::table.filter(sessions::tenant_id.eq(self.key())).filter(sessions::id.eq(id.to_string()));
        let change = sessions::last_seen_at.eq(now.millis());
        on_conn!(self.unit, conn => diesel::update(target).set(change).execute(conn).await)?;
        Ok(())
    }

    /// Puts a session under a new cookie, its user having proven anew who they are.
    pub async fn renew_session(&mut self, id: SessionId, digest: &[u8], now: Timestamp) -> Result<(), StorageError> {
        let target = sessions::table.filter(sessions::tenant_id.eq(self.key())).filter(sessions::id.eq(id.to_string()));
        let change = (
            sessions::cookie_digest.eq(Some(digest.to_vec())),
            sessions::auth_time.eq(now.millis()),
            sessions::last_seen_at.eq(now.millis()),
        );
        on_conn!(self.unit, conn => diesel::update(target).set(change).execute(conn).await)?;
        Ok(())
    }

    /// Sessions, the newest first (identifiers are ordered by time).
    pub async fn list_sessions(
        &mut self,
        filter: &SessionFilter,
        now: Timestamp,
        limit: i64,
    ) -> Result<Page<Session>, StorageError> {
        let key = self.key();
        let rows: Vec<Row> = on_conn!(self.unit, conn => {
            let mut query = sessions::table
                .filter(sessions::tenant_id.eq(key))
                .order(sessions::id.desc())
                .limit(limit + 1)
                .select(Row::as_select())
                .into_boxed();
            if let Some(user) = filter.user {
                query = query.filter(sessions::user_id.eq(user.to_string()));
            }
            if let Some(client) = &filter.client {
                let families = token_families::table
                    .filter(token_families::tenant_id.eq(sessions::tenant_id))
                    .filter(token_families::session_id.eq(sessions::id))
                    .filter(token_families::client_id.eq(client.clone()));
                query = query.filter(exists(families));
            }
            if let Some(ip) = &filter.ip {
                query = query.filter(sessions::ip.eq(ip.clone()));
            }
            let now = now.millis();
            query = match filter.active {
                Some(true) => query.filter(sessions::ended_at.is_null().and(sessions::expires_at.gt(now))),
                Some(false) => query.filter(sessions::ended_at.is_not_null().or(sessions::expires_at.le(now))),
                None => query,
            };
            if let Some(after) = &filter.after {
                query = query.filter(sessions::id.lt(after.clone()));
            }
            query.load(conn).await
        })?;
        let items = rows.into_iter().map(Session::try_from).collect::<Result<_, _>>()?;
        Ok(Page::cut(items, limit, |session: &Session| session.id.to_string()))
    }

    /// How many sessions and families are live, counted no further than to `most`.
    pub async fn count_live(&mut self, now: Timestamp, most: i64) -> Result<Ended, StorageError> {
        let (key, now) = (self.key(), now.millis());
        let all = &Selection::Tenant;
        let sessions: Vec<String> = on_conn!(self.unit, conn => reached_sessions!(key.clone(), all)
            .filter(sessions::expires_at.gt(now))
            .limit(most)
            .load(conn)
            .await)?;
        let families: Vec<String> = on_conn!(self.unit, conn => reached_families!(key, all)
            .filter(token_families::expires_at.gt(now))
            .limit(most)
            .load(conn)
            .await)?;
        Ok(Ended { sessions: sessions.len(), families: families.len() })
    }

    /// What [`Self::end_sessions`] would reach.
    pub async fn count_reached(&mut self, selection: &Selection, now: Timestamp) -> Result<Ended, StorageError> {
        let (key, now) = (self.key(), now.millis());
        let sessions: i64 = on_conn!(self.unit, conn => reached_sessions!(key.clone(), selection)
            .filter(sessions::expires_at.gt(now))
            .select(diesel::dsl::count_star())
            .first(conn)
            .await)?;
        let families: i64 = on_conn!(self.unit, conn => reached_families!(key, selection)
            .filter(token_families::expires_at.gt(now))
            .select(diesel::dsl::count_star())
            .first(conn)
            .await)?;
        let size = |count: i64| usize::try_from(count).unwrap_or_default();
        Ok(Ended { sessions: size(sessions), families: size(families) })
    }

    /// Ends sessions and the token families in them, and cuts off their access tokens.
    pub async fn end_sessions(
        &mut self,
        selection: &Selection,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<Ended, StorageError> {
        let (key, tenant, at) = (self.key(), self.tenant_id, now.millis());
        let sessions = on_conn!(self.unit, conn => {
            let target = sessions::table
                .filter(sessions::tenant_id.eq(key.clone()))
                .filter(sessions::id.eq_any(reached_sessions!(key.clone(), selection)));
            let change = (sessions::ended_at.eq(Some(at)), sessions::end_reason.eq(Some(reason.as_str())));
            diesel::update(target).set(change).execute(conn).await
        })?;
        let families = on_conn!(self.unit, conn => {
            let target = token_families::table
                .filter(token_families::tenant_id.eq(key.clone()))
                .filter(token_families::id.eq_any(reached_families!(key.clone(), selection)));
            let change =
                (token_families::ended_at.eq(Some(at)), token_families::end_reason.eq(Some(reason.as_str())));
            diesel::update(target).set(change).execute(conn).await
        })?;
        let cutoff = match selection {
            Selection::Session(id) => Cutoff::of_session(tenant, *id, now),
            Selection::User(id) => Cutoff::of_user(tenant, *id, now),
            Selection::Client(id) => Cutoff::of_client(tenant, id, now),
            Selection::Tenant => Cutoff::of_tenant(tenant, now),
        };
        self.unit.record(Change::Cutoff(cutoff)).await?;
        Ok(Ended { sessions, families })
    }
}
