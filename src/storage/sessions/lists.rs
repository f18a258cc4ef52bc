//! Lists and counts of sessions. A page reads a bounded number of rows, whatever is asked for.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl,
    SelectableHelper,
};
use diesel_async::RunQueryDsl;

use crate::domain::{
    EventNumber, Reached, Selection, Session, SessionFilter, SessionId, Timestamp, User,
};
use crate::storage::{
    Key, Page, StorageError, TenantStore,
    engine::connection::{on_backend, on_conn},
    fills,
    identity::users::Row as UserRow,
    schema::{clients, sessions, tenants, token_families, users},
    sessions::rows::Row,
};

/// Whether a session is asked for.
fn is_wanted(filter: &SessionFilter, listed: &ListedSession) -> bool {
    filter.active.is_none_or(|active| active == listed.is_live)
        && filter.user.is_none_or(|user| user == listed.session.user_id)
        && filter.ip.as_ref().is_none_or(|ip| *ip == listed.session.ip)
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

/// Rows a page reads at most. Where few of them are to be shown, the page is short and the next
/// one goes on from there.
const MOST_READ: i64 = 300;

/// A session, its user's name and endings, its tenant's, and its own client's.
type Read = (Row, Option<(String, i64)>, Option<i64>, Option<i64>);

/// A user, when a session of theirs was ended, and one of its families with when that was.
type Owned = (UserRow, Option<i64>, Option<(Key, Option<i64>)>);

/// Some rows of a list, and where to go on: `None` at the end.
struct Part {
    rows: Vec<Read>,
    last: Option<SessionId>,
}

/// Sessions of a tenant, of `$from`, each with what says whether it is live.
///
/// The tenant is looked up and not joined: a planner that knows of few tenants would begin with them, and
/// sort all sessions afterwards.
macro_rules! listed_sessions {
    ($from:expr, $key:expr) => {{
        let tenant = tenants::table.filter(tenants::id.eq($key)).select(tenants::ended_seq);
        let of_user = users::tenant_id.eq(sessions::tenant_id).and(users::id.eq(sessions::user_id));
        let own_client = clients::tenant_id
            .eq(sessions::tenant_id)
            .and(clients::client_id.nullable().eq(sessions::client_id));
        $from
            .left_join(users::table.on(of_user))
            .left_join(clients::table.on(own_client))
            .filter(sessions::tenant_id.eq($key))
            .select((
                Row::as_select(),
                (users::username, users::ended_seq).nullable(),
                tenant.single_value(),
                clients::ended_seq.nullable(),
            ))
    }};
}

fn listed(
    (row, user, tenant_ended, client_ended): Read,
    now: Timestamp,
) -> Result<ListedSession, StorageError> {
    let session = Session::try_from(row)?;
    let ended = |at: Option<i64>| at.is_none_or(|at| session.born_seq < EventNumber(at));
    let by_client = session.client_id.is_some() && ended(client_ended);
    let by_others = ended(tenant_ended) || ended(user.as_ref().map(|(_, at)| *at));
    Ok(ListedSession {
        is_live: session.is_live(now) && !by_client && !by_others,
        username: user.map(|(name, _)| name).unwrap_or_default(),
        session,
    })
}

/// When each session that `$selection` reaches was ended, `$most` of them.
///
/// Where an index finds them, whether they have ended is looked at afterwards: the partial index of live
/// sessions would find all of the tenant's.
macro_rules! sessions_reached {
    ($key:expr, $selection:expr, $most:expr) => {{
        let query = sessions::table
            .filter(sessions::tenant_id.eq($key))
            .select(sessions::ended_at)
            .limit($most)
            .into_boxed();
        match $selection {
            Selection::Session(id) => query.filter(sessions::id.eq(Key::from(*id))),
            Selection::User(id) => query.filter(sessions::user_id.eq(Key::from(*id))),
            Selection::Client(id) => query.filter(sessions::client_id.eq(Some(id.clone()))),
            // The order is an index's: without it all tenants' rows might be looked through.
            Selection::Tenant => query.filter(sessions::ended_at.is_null()).order(sessions::id),
        }
    }};
}

/// The same for families.
macro_rules! families_reached {
    ($key:expr, $selection:expr, $most:expr) => {{
        let query = token_families::table
            .filter(token_families::tenant_id.eq($key))
            .select(token_families::ended_at)
            .limit($most)
            .into_boxed();
        match $selection {
            Selection::Session(id) => query.filter(token_families::session_id.eq(Key::from(*id))),
            Selection::User(id) => query.filter(token_families::user_id.eq(Key::from(*id))),
            Selection::Client(id) => query
                .filter(token_families::client_id.eq(id.clone()))
                .order(token_families::session_id),
            Selection::Tenant => query.order(token_families::id),
        }
    }};
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
                if !is_wanted(filter, &row) {
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

    /// At most `limit` rows after `after`, of which some may not be asked for.
    async fn read_sessions(
        &mut self,
        filter: &SessionFilter,
        after: Option<SessionId>,
        limit: i64,
    ) -> Result<Part, StorageError> {
        if let Some(client) = &filter.client {
            return self.sessions_of_client(client, after, limit).await;
        }
        let key = self.key();
        let rows: Vec<Read> = on_conn!(self.unit, conn => {
            let mut query = listed_sessions!(sessions::table, key).order(sessions::id.desc()).limit(limit).into_boxed();
            if let Some(user) = filter.user {
                query = query.filter(sessions::user_id.eq(Key::from(user)));
            }
            if let Some(ip) = &filter.ip {
                query = query.filter(sessions::ip.eq(ip.clone()));
            }
            // Where nothing else narrows the list, a partial index has to: what was ended and is
            // not settled yet joins the ended ones a moment later.
            match filter.active {
                // Beside another filter it would only tempt the planner away from that one's index.
                Some(true) if filter.is_wide() => query = query.filter(sessions::ended_at.is_null()),
                Some(false) if filter.is_wide() => query = query.filter(sessions::ended_at.is_not_null()),
                _ => {}
            }
            if let Some(after) = after {
                query = query.filter(sessions::id.lt(Key::from(after)));
            }
            query.load(conn).await
        })?;
        let is_full = fills(rows.len(), limit);
        let last = rows.last().filter(|_| is_full).map(|(row, ..)| row.key().into());
        Ok(Part { rows, last })
    }

    /// Sessions of a client, the newest first, found by at most `limit` of its families, of which
    /// several may be of one.
    async fn sessions_of_client(
        &mut self,
        client_id: &str,
        after: Option<SessionId>,
        limit: i64,
    ) -> Result<Part, StorageError> {
        let before = after.map_or(Key::LAST, Key::from);
        let key = self.key();
        let of_family = sessions::tenant_id
            .eq(token_families::tenant_id)
            .and(sessions::id.eq(token_families::session_id));
        let families = token_families::table.inner_join(sessions::table.on(of_family));
        let mut rows: Vec<Read> = on_conn!(self.unit, conn => {
            listed_sessions!(families, key)
                .filter(token_families::tenant_id.eq(key))
                .filter(token_families::client_id.eq(client_id.to_owned()))
                .filter(token_families::session_id.lt(before))
                .order(token_families::session_id.desc())
                .limit(limit)
                .load(conn)
                .await
        })?;
        let is_full = fills(rows.len(), limit);
        rows.dedup_by_key(|(row, ..)| row.key());
        let last = rows.last().filter(|_| is_full).map(|(row, ..)| row.key().into());
        Ok(Part { rows, last })
    }

    /// How many sessions and families of the tenant are live, counted no further than to `most`.
    /// Those of an ending that is not settled yet may be among them.
    pub async fn count_live(&mut self, most: i64) -> Result<Reached, StorageError> {
        self.count_reached(&Selection::Tenant, most).await
    }

    /// What ending a session would reach, counted no further than to `most`, and whose it is.
    pub async fn session_reached(
        &mut self,
        id: SessionId,
        most: i64,
    ) -> Result<Option<(User, Reached)>, StorageError> {
        let owner = users::tenant_id.eq(sessions::tenant_id).and(users::id.eq(sessions::user_id));
        let within = token_families::tenant_id
            .eq(sessions::tenant_id)
            .and(token_families::session_id.eq(sessions::id));
        let query = sessions::table
            .inner_join(users::table.on(owner))
            .left_join(token_families::table.on(within))
            .filter(sessions::tenant_id.eq(self.key()))
            .filter(sessions::id.eq(Key::from(id)))
            .limit(most);
        let rows: Vec<Owned> = on_conn!(self.unit, conn => query
            .select((
                UserRow::as_select(),
                sessions::ended_at,
                (token_families::id, token_families::ended_at).nullable(),
            ))
            .load(conn).await)?;
        let more = fills(rows.len(), most);
        let live = rows.iter().filter(|(_, _, family)| matches!(family, Some((_, None))));
        let families = live.count();
        let Some((owner, ended, _)) = rows.into_iter().next() else { return Ok(None) };
        let sessions = usize::from(ended.is_none());
        Ok(Some((owner.try_into()?, Reached { sessions, families, more })))
    }

    /// What ending `selection` would reach, counted no further than to `most`.
    pub async fn count_reached(
        &mut self,
        selection: &Selection,
        most: i64,
    ) -> Result<Reached, StorageError> {
        let key = self.key();
        let (sessions, families): (Vec<Option<i64>>, Vec<Option<i64>>) = on_backend!(self.unit, sqlite conn => {
            let sessions = sessions_reached!(key, selection, most).load(conn).await?;
            Ok((sessions, families_reached!(key, selection, most).load(conn).await?))
        }, postgres conn => {
            let conn: &diesel_async::AsyncPgConnection = conn;
            tokio::try_join!(
                async { sessions_reached!(key, selection, most).load(&mut &*conn).await },
                async { families_reached!(key, selection, most).load(&mut &*conn).await },
            )
        })?;
        let live = |rows: &[Option<i64>]| rows.iter().filter(|ended| ended.is_none()).count();
        let is_cut = |rows: &[Option<i64>]| fills(rows.len(), most);
        let more = is_cut(&sessions) || is_cut(&families);
        Ok(Reached { sessions: live(&sessions), families: live(&families), more })
    }
}

fn id_of(listed: &ListedSession) -> String {
    listed.session.id.to_string()
}
