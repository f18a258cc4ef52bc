//! What an issue rests on, in one statement each: the number of the last event, and with it the
//! tenant, the user, the client, and the session, family or code that is used.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods,
    OptionalExtension, QueryDsl, SelectableHelper,
};
use diesel_async::RunQueryDsl;

use crate::domain::{
    AuthorizationCode, EventNumber, FamilyId, FamilyStanding, Session, SessionId, Standing,
    TenantId, TenantStatus, Timestamp, UserId,
};
use crate::storage::{
    Key, StorageError, TenantStore, Unit,
    engine::columns::portcullis_now_ms,
    engine::connection::{on_backend, on_conn},
    engine::gathered::Outcomes,
    grants::codes::Row as CodeRow,
    grants::families::Row as FamilyRow,
    identity::users::Row as UserRow,
    schema::{
        authorization_codes, clients, revocation_head, sessions, tenants, token_families, users,
    },
    sessions::rows::Row as SessionRow,
};

/// Head, tenant's status and ending, client's ending.
type Grounds = (i64, String, i64, Option<i64>);

fn standing_of(
    (head, status, tenant_ended, client_ended): Grounds,
    user: UserRow,
) -> Result<Standing, StorageError> {
    Ok(Standing {
        head: EventNumber(head),
        tenant_is_active: status.parse::<TenantStatus>().map_err(StorageError::broken)?
            == TenantStatus::Active,
        tenant_ended: EventNumber(tenant_ended),
        client_ended: client_ended.map(EventNumber),
        user: user.try_into()?,
    })
}

/// The columns that [`standing_of`] reads before the user's.
macro_rules! grounds {
    () => {
        (revocation_head::seq, tenants::status, tenants::ended_seq, clients::ended_seq.nullable())
    };
}

/// Joins tenant, user, client and the head to `$query`, whose rows bear tenant and user.
macro_rules! with_grounds {
    ($query:expr, $of:ident, $user:expr, $client:expr) => {
        $query
            .inner_join(tenants::table.on(tenants::id.eq($of::tenant_id)))
            .inner_join(
                users::table.on(users::tenant_id.eq($of::tenant_id).and(users::id.eq($user))),
            )
            .left_join(
                clients::table
                    .on(clients::tenant_id.eq($of::tenant_id).and(clients::client_id.eq($client))),
            )
            .inner_join(revocation_head::table.on(revocation_head::id.eq(1_i64)))
    };
}

/// A family of `$tenant`, with what it rests on.
macro_rules! family_with_grounds {
    ($tenant:expr, $id:expr) => {
        with_grounds!(
            token_families::table.inner_join(
                sessions::table.on(sessions::tenant_id
                    .eq(token_families::tenant_id)
                    .and(sessions::id.eq(token_families::session_id)))
            ),
            token_families,
            token_families::user_id,
            token_families::client_id
        )
        .filter(token_families::tenant_id.eq(Key::from($tenant)))
        .filter(token_families::id.eq(Key::from($id)))
    };
}

/// The columns of [`Found`].
macro_rules! found {
    () => {
        (
            grounds!(),
            FamilyRow::as_select(),
            SessionRow::as_select(),
            UserRow::as_select(),
            portcullis_now_ms(0),
        )
    };
}

type Found = (Grounds, FamilyRow, SessionRow, UserRow, i64);

impl TryFrom<Found> for FamilyStanding {
    type Error = StorageError;

    fn try_from((grounds, family, session, user, now): Found) -> Result<Self, StorageError> {
        Ok(Self {
            family: family.try_into()?,
            session: session.try_into()?,
            standing: standing_of(grounds, user)?,
            database_now: Timestamp::from_millis(now),
        })
    }
}

impl Unit {
    /// Families and what they rest on, each as it was asked for; one that cannot be read is nobody else's
    /// trouble. Each is a statement by its key (ADR 9), which PostgreSQL is sent all at once.
    pub(in crate::storage) async fn family_standings(
        &mut self,
        wanted: Vec<(TenantId, FamilyId)>,
    ) -> Result<Outcomes<Option<FamilyStanding>>, StorageError> {
        let found: Vec<Option<Found>> = on_backend!(self, sqlite conn => {
            // Diesel's own way, which makes of a row what is asked for and no copy of it first.
            conn.in_place(|conn| {
                let find = |(tenant, id)| {
                    let query = family_with_grounds!(tenant, id).select(found!());
                    diesel::RunQueryDsl::first::<Found>(query, conn).optional()
                };
                wanted.into_iter().map(find).collect()
            })
        }, postgres conn => {
            let conn: &diesel_async::AsyncPgConnection = conn;
            let find = async |(tenant, id)| {
                let query = family_with_grounds!(tenant, id).select(found!());
                query.first::<Found>(&mut &*conn).await.optional()
            };
            futures_util::future::try_join_all(wanted.into_iter().map(find)).await
        })?;
        let standing = |found: Option<Found>| found.map(FamilyStanding::try_from).transpose();
        Ok(found.into_iter().map(standing).collect())
    }
}

impl TenantStore<'_> {
    /// What a user's new session would rest on, granted to `client_id`; empty where no client is
    /// concerned. `None` where the user is gone.
    pub async fn user_standing(
        &mut self,
        id: UserId,
        client_id: &str,
    ) -> Result<Option<Standing>, StorageError> {
        let of_client = clients::tenant_id
            .eq(users::tenant_id)
            .and(clients::client_id.eq(client_id.to_owned()));
        let query = users::table
            .inner_join(tenants::table.on(tenants::id.eq(users::tenant_id)))
            .left_join(clients::table.on(of_client))
            .inner_join(revocation_head::table.on(revocation_head::id.eq(1_i64)))
            .filter(users::tenant_id.eq(self.key()))
            .filter(users::id.eq(Key::from(id)));
        let found: Option<(Grounds, UserRow)> = on_conn!(self.unit, conn => query
            .select((grounds!(), UserRow::as_select()))
            .first(conn).await.optional())?;
        found.map(|(grounds, user)| standing_of(grounds, user)).transpose()
    }

    /// A session and what it rests on, used by `client_id`; empty where no client is concerned.
    pub async fn session_standing(
        &mut self,
        id: SessionId,
        client_id: &str,
    ) -> Result<Option<(Session, Standing)>, StorageError> {
        let query =
            with_grounds!(sessions::table, sessions, sessions::user_id, client_id.to_owned())
                .filter(sessions::tenant_id.eq(self.key()))
                .filter(sessions::id.eq(Key::from(id)));
        let found: Option<(Grounds, SessionRow, UserRow)> = on_conn!(self.unit, conn => query
            .select((grounds!(), SessionRow::as_select(), UserRow::as_select()))
            .first(conn).await.optional())?;
        found
            .map(|(grounds, session, user)| Ok((session.try_into()?, standing_of(grounds, user)?)))
            .transpose()
    }

    /// The session that a cookie with this SHA-256 carries, and what it rests on.
    pub async fn cookie_standing(
        &mut self,
        digest: &[u8],
    ) -> Result<Option<(Session, Standing)>, StorageError> {
        let query = with_grounds!(sessions::table, sessions, sessions::user_id, String::new())
            .filter(sessions::tenant_id.eq(self.key()))
            .filter(sessions::cookie_digest.eq(Some(digest.to_vec())));
        let found: Option<(Grounds, SessionRow, UserRow)> = on_conn!(self.unit, conn => query
            .select((grounds!(), SessionRow::as_select(), UserRow::as_select()))
            .first(conn).await.optional())?;
        found
            .map(|(grounds, session, user)| Ok((session.try_into()?, standing_of(grounds, user)?)))
            .transpose()
    }

    /// A code, its session, and what both rest on.
    pub async fn code_standing(
        &mut self,
        digest: &[u8],
    ) -> Result<Option<(AuthorizationCode, Session, Standing)>, StorageError> {
        let of_session = sessions::tenant_id
            .eq(authorization_codes::tenant_id)
            .and(sessions::id.eq(authorization_codes::session_id));
        let query = with_grounds!(
            authorization_codes::table.inner_join(sessions::table.on(of_session)),
            authorization_codes,
            authorization_codes::user_id,
            authorization_codes::client_id
        )
        .filter(authorization_codes::tenant_id.eq(self.key()))
        .filter(authorization_codes::digest.eq(digest.to_vec()));
        let found: Option<(Grounds, CodeRow, SessionRow, UserRow)> = on_conn!(self.unit, conn => query
            .select((grounds!(), CodeRow::as_select(), SessionRow::as_select(), UserRow::as_select()))
            .first(conn).await.optional())?;
        found
            .map(|(grounds, code, session, user)| {
                Ok((code.try_into()?, session.try_into()?, standing_of(grounds, user)?))
            })
            .transpose()
    }

    /// A family and what it rests on.
    pub async fn family_standing(
        &mut self,
        id: FamilyId,
    ) -> Result<Option<FamilyStanding>, StorageError> {
        let query = family_with_grounds!(self.tenant_id, id);
        let found: Option<Found> = on_conn!(self.unit, conn => query
            .select(found!()).first(conn).await.optional())?;
        found.map(FamilyStanding::try_from).transpose()
    }
}
