//! Lists and counts of sessions. A page reads a bounded number of rows, whatever is asked for.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl, SelectableHelper,
};
use diesel_async::RunQueryDsl;

use super::{
    Key, Page, StorageError, TenantStore,
    connection::on_conn,
    schema::{clients, sessions, tenants, token_families, users},
    sessions::Row,
};
use crate::domain::{EventNumber, Session, SessionId, Timestamp, UserId};

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
    pub after: Option<SessionId>,
}

/// A session in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSession {
    /// The session.
    pub session: Session,
    /// Whether it is good: its own row may not have been settled yet.
    pub is_live: bool,
    /// The name its user signs in with; empty where the user is gone.
    pub username: String,
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

/// What an ending reaches, counted up to a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, utoipa::ToSchema)]
pub struct Reached {
    /// Sessions.
    pub sessions: usize,
    /// Refresh token families.
    pub families: usize,
    /// Whether there may be more: so many rows were looked at that it was left at that.
    pub more: bool,
}

/// Rows a page reads at most. Where few of them are to be shown, the page is short and the next
/// one goes on from there.
const MOST_READ: i64 = 1_000;

/// A session, its user's name and endings, and its own client's.
type Read = (Row, Option<(String, i64)>, i64, Option<i64>);

/// Some rows of a list, and where to go on: `None` at the end.
struct Part {
    rows: Vec<Read>,
    last: Option<SessionId>,
}

fn listed((row, user, tenant_ended, client_ended): Read, now: Timestamp) -> Result<ListedSession, StorageError> {
    let session = Session::try_from(row)?;
    let ended = |at: Option<i64>| at.is_none_or(|at| session.born_seq < EventNumber(at));
    let by_client = session.client_id.is_some() && ended(client_ended);
    let by_others = ended(Some(tenant_ended)) || ended(user.as_ref().map(|(_, at)| *at));
    Ok(ListedSession {
        is_live: session.is_live(now) && !by_client && !by_others,
        username: user.map(|(name, _)| name).unwrap_or_default(),
        session,
    })
}

impl TenantStore<'_> {
    /// Sessions, the newest first (identifiers are ordered by time).
    pub async fn list_sessions(
        &mut self,
        filter: &SessionFilter,
        now: Timestamp,
        limit: i64,
    ) -> Result<Page<ListedSession>, StorageError> {
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let (mut items, mut position, mut read) = (Vec::new(), filter.after, 0);
        let mut some = limit + 1;
        while read < MOST_READ {
            let part = self.read_sessions(filter, position, some).await?;
            read += some;
            for row in part.rows {
                let row = listed(row, now)?;
                if filter.active.is_some_and(|active| active != row.is_live) {
                    continue;
                }
                if items.len() == wanted {
                    // One more than fits: the page ends before it.
                    return Ok(Page { next: items.last().map(id_of), items });
                }
                items.push(row);
            }
            match part.last {
                Some(last) => position = Some(last),
                None => return Ok(Page { items, next: None }),
            }
            some = MOST_READ.min(some * 4);
        }
        Ok(Page { items, next: position.map(|id| id.to_string()) })
    }

    /// At most `limit` rows after `after`, of which some may not be live.
    async fn read_sessions(
        &mut self,
        filter: &SessionFilter,
        after: Option<SessionId>,
        limit: i64,
    ) -> Result<Part, StorageError> {
        let of_client = match &filter.client {
            Some(client) => Some(self.sessions_of_client(client, after, limit).await?),
            None => None,
        };
        let key = self.key();
        let rows: Vec<Read> = on_conn!(self.unit, conn => {
            let of_user = users::tenant_id.eq(sessions::tenant_id).and(users::id.eq(sessions::user_id));
            let own_client = clients::tenant_id
                .eq(sessions::tenant_id)
                .and(clients::client_id.nullable().eq(sessions::client_id));
            let mut query = sessions::table
                .inner_join(tenants::table.on(tenants::id.eq(sessions::tenant_id)))
                .left_join(users::table.on(of_user))
                .left_join(clients::table.on(own_client))
                .filter(sessions::tenant_id.eq(key))
                .order(sessions::id.desc())
                .limit(limit)
                .select((
                    Row::as_select(),
                    (users::username, users::ended_seq).nullable(),
                    tenants::ended_seq,
                    clients::ended_seq.nullable(),
                ))
                .into_boxed();
            if let Some(user) = filter.user {
                query = query.filter(sessions::user_id.eq(Key::from(user)));
            }
            if let Some(ids) = &of_client {
                query = query.filter(sessions::id.eq_any(ids.clone()));
            }
            if let Some(ip) = &filter.ip {
                query = query.filter(sessions::ip.eq(ip.clone()));
            }
            // Where nothing else narrows the list, a partial index has to: what was ended and is
            // not settled yet joins the ended ones a moment later.
            let is_wide = filter.user.is_none() && filter.ip.is_none() && of_client.is_none();
            match filter.active {
                // Beside another filter it would only tempt the planner away from that one's index.
                Some(true) if is_wide => query = query.filter(sessions::ended_at.is_null()),
                Some(false) if is_wide => query = query.filter(sessions::ended_at.is_not_null()),
                _ => {}
            }
            if let Some(after) = after {
                query = query.filter(sessions::id.lt(Key::from(after)));
            }
            query.load(conn).await
        })?;
        let (count, last) = match &of_client {
            Some(ids) => (ids.len(), ids.last().copied()),
            None => (rows.len(), rows.last().map(|(row, ..)| row.key())),
        };
        let is_full = i64::try_from(count).is_ok_and(|count| count == limit);
        Ok(Part { rows, last: last.filter(|_| is_full).map(SessionId::from) })
    }

    async fn sessions_of_client(
        &mut self,
        client_id: &str,
        after: Option<SessionId>,
        limit: i64,
    ) -> Result<Vec<Key>, StorageError> {
        let before = after.map_or(Key::LAST, Key::from);
        let query = token_families::table
            .filter(token_families::tenant_id.eq(self.key()))
            .filter(token_families::client_id.eq(client_id.to_owned()))
            .filter(token_families::session_id.lt(before))
            .select(token_families::session_id)
            .distinct()
            .order(token_families::session_id.desc())
            .limit(limit);
        on_conn!(self.unit, conn => query.load(conn).await)
    }

    /// How many sessions and families of the tenant are live, counted no further than to `most`.
    /// Those of an ending that is not settled yet may be among them.
    pub async fn count_live(&mut self, most: i64) -> Result<Reached, StorageError> {
        self.count_reached(&Selection::Tenant, most).await
    }

    /// What ending `selection` would reach, counted no further than to `most`.
    pub async fn count_reached(&mut self, selection: &Selection, most: i64) -> Result<Reached, StorageError> {
        let key = self.key();
        // Where an index finds them, whether they have ended is looked at here: the partial index
        // of live sessions would find all of the tenant's.
        let sessions: Vec<Option<i64>> = on_conn!(self.unit, conn => {
            let query = sessions::table
                .filter(sessions::tenant_id.eq(key))
                .select(sessions::ended_at)
                .limit(most)
                .into_boxed();
            let query = match selection {
                Selection::Session(id) => query.filter(sessions::id.eq(Key::from(*id))),
                Selection::User(id) => query.filter(sessions::user_id.eq(Key::from(*id))),
                Selection::Client(id) => query.filter(sessions::client_id.eq(Some(id.clone()))),
                Selection::Tenant => query.filter(sessions::ended_at.is_null()),
            };
            query.load(conn).await
        })?;
        let families: Vec<Option<i64>> = on_conn!(self.unit, conn => {
            let query = token_families::table
                .filter(token_families::tenant_id.eq(key))
                .select(token_families::ended_at)
                .limit(most)
                .into_boxed();
            let query = match selection {
                Selection::Session(id) => query.filter(token_families::session_id.eq(Key::from(*id))),
                Selection::User(id) => query.filter(token_families::user_id.eq(Key::from(*id))),
                Selection::Client(id) => query.filter(token_families::client_id.eq(id.clone())),
                Selection::Tenant => query,
            };
            query.load(conn).await
        })?;
        let live = |rows: &[Option<i64>]| rows.iter().filter(|ended| ended.is_none()).count();
        let is_cut = |rows: &[Option<i64>]| i64::try_from(rows.len()).is_ok_and(|rows| rows >= most);
        let more = is_cut(&sessions) || is_cut(&families);
        Ok(Reached { sessions: live(&sessions), families: live(&families), more })
    }
}

fn id_of(listed: &ListedSession) -> String {
    listed.session.id.to_string()
}
