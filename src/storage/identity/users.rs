//! Users. What is decided by more than one person at once has a statement of its own: status,
//! roles and password are never written along with a profile.

use diesel::{
    ExpressionMethods, Insertable, NullableExpressionMethods, OptionalExtension, QueryDsl,
    Queryable, Selectable, SelectableHelper,
};
use diesel_async::RunQueryDsl;

use crate::domain::{Ending, EventNumber, Role, Timestamp, User, UserId, UserStatus};
use crate::storage::{
    Key, Place, StorageError, TenantStore,
    engine::connection::{on_conn, on_conn_each},
    engine::repeated::Repeated,
};

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::engine::columns::Id16;

    users (tenant_id, id) {
        tenant_id -> Id16,
        id -> Id16,
        username -> Text,
        username_key -> Text,
        email -> Nullable<Text>,
        email_key -> Nullable<Text>,
        email_verified -> Bool,
        name -> Nullable<Text>,
        password_hash -> Nullable<Text>,
        roles -> Text,
        status -> Text,
        version -> BigInt,
        ended_seq -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = users)]
pub(in crate::storage) struct Row {
    tenant_id: Key,
    id: Key,
    username: String,
    username_key: String,
    email: Option<String>,
    email_key: Option<String>,
    email_verified: bool,
    name: Option<String>,
    password_hash: Option<String>,
    roles: String,
    status: String,
    version: i64,
    ended_seq: i64,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<Row> for User {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            tenant_id: row.tenant_id.into(),
            id: row.id.into(),
            username: row.username,
            email: row.email,
            email_verified: row.email_verified,
            name: row.name,
            password_hash: row.password_hash,
            roles: serde_json::from_str(&row.roles).map_err(StorageError::broken)?,
            status: row.status.parse().map_err(StorageError::broken)?,
            version: row.version,
            ended_seq: EventNumber(row.ended_seq),
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
        })
    }
}

fn row_of(user: &User) -> Result<Row, StorageError> {
    Ok(Row {
        tenant_id: user.tenant_id.into(),
        id: user.id.into(),
        username: user.username.clone(),
        username_key: User::key(&user.username),
        email: user.email.clone(),
        email_key: user.email.as_deref().map(User::key),
        email_verified: user.email_verified,
        name: user.name.clone(),
        password_hash: user.password_hash.clone(),
        roles: serde_json::to_string(&user.roles).map_err(StorageError::broken)?,
        status: user.status.as_str().to_owned(),
        version: user.version,
        ended_seq: user.ended_seq.0,
        created_at: user.created_at.millis(),
        updated_at: user.updated_at.millis(),
    })
}

/// The one row of a user.
macro_rules! row_of_user {
    ($store:expr, $id:expr) => {
        users::table.filter(users::tenant_id.eq($store.key())).filter(users::id.eq(Key::from($id)))
    };
}

impl TenantStore<'_> {
    /// The user with this identifier.
    pub async fn find_user(&mut self, id: UserId) -> Result<Option<User>, StorageError> {
        let query = row_of_user!(self, id);
        let row: Option<Row> = on_conn!(self.unit, conn => query.select(Row::as_select()).first(conn).await.optional())?;
        row.map(User::try_from).transpose()
    }

    /// Takes a user for changing: nobody else changes it until this unit ends, and its version is
    /// raised. Undone where the unit is dropped.
    pub async fn take_user(&mut self, id: UserId) -> Result<Option<User>, StorageError> {
        let raised =
            diesel::update(row_of_user!(self, id)).set(users::version.eq(users::version + 1));
        let row: Option<Row> = on_conn!(self.unit, conn => Repeated(raised.returning(Row::as_returning())).get_result(conn).await.optional())?;
        row.map(User::try_from).transpose()
    }

    /// The user who signs in as `login`: a user name, or else an e-mail address.
    pub async fn find_user_by_login(&mut self, login: &str) -> Result<Option<User>, StorageError> {
        // Each has its index, which a question for either of both would not use on PostgreSQL. A
        // user name goes before another user's address.
        if let Some(user) = self.find_user_by_username(login).await? {
            return Ok(Some(user));
        }
        let addressed = users::table
            .filter(users::tenant_id.eq(self.key()))
            .filter(users::email_key.is_not_null())
            .filter(users::email_key.assume_not_null().eq(User::key(login)));
        let row: Option<Row> = on_conn!(self.unit, conn => addressed.select(Row::as_select()).first(conn).await.optional())?;
        row.map(User::try_from).transpose()
    }

    /// The user of this name.
    pub async fn find_user_by_username(
        &mut self,
        username: &str,
    ) -> Result<Option<User>, StorageError> {
        let key = User::key(username);
        let named = users::table
            .filter(users::tenant_id.eq(self.key()))
            .filter(users::username_key.eq(key));
        let row: Option<Row> = on_conn!(self.unit, conn => named.select(Row::as_select()).first(conn).await.optional())?;
        row.map(User::try_from).transpose()
    }

    /// Whether nobody else signs in by this user's name or address, be it as name or as address. The
    /// tenant's row is held meanwhile: of two that come at once the later one sees the earlier. It is
    /// held once a unit: each time makes a version of the row that the next has to pass over.
    async fn claim_logins(&mut self, user: &User) -> Result<(), StorageError> {
        if self.unit.holds_logins_of != Some(self.tenant_id) {
            self.hold(&Ending::Tenant).await?;
            self.unit.holds_logins_of = Some(self.tenant_id);
        }
        let key = self.key();
        let logins =
            [("users_username", Some(&user.username)), ("users_email", user.email.as_ref())];
        let logins: Vec<(&str, String)> = logins
            .into_iter()
            .filter_map(|(name, login)| Some((name, User::key(login?))))
            .collect();
        let others = || {
            users::table.filter(users::tenant_id.eq(key)).filter(users::id.ne(Key::from(user.id)))
        };
        let named =
            logins.iter().map(|(_, login)| others().filter(users::username_key.eq(login.clone())));
        let addressed = logins.iter().map(|(_, login)| {
            let known = others().filter(users::email_key.is_not_null());
            known.filter(users::email_key.assume_not_null().eq(login.clone()))
        });
        let named: Vec<Option<Key>> = on_conn_each!(self.unit, named, row, conn => row.select(users::id).first(conn).await.optional())?;
        let addressed: Vec<Option<Key>> = on_conn_each!(self.unit, addressed, row, conn => row.select(users::id).first(conn).await.optional())?;
        let taken = logins
            .iter()
            .zip(named.iter().zip(&addressed))
            .find(|(_, (named, of))| named.or(**of).is_some());
        match taken {
            Some(((constraint, _), _)) => Err(StorageError::Taken((*constraint).to_owned())),
            None => Ok(()),
        }
    }

    /// Adds a user.
    ///
    /// # Errors
    /// [`StorageError::Taken`] where somebody else signs in by that name or address.
    pub async fn insert_user(&mut self, user: &User) -> Result<(), StorageError> {
        self.claim_logins(user).await?;
        let row = row_of(user)?;
        on_conn!(self.unit, conn => diesel::insert_into(users::table).values(&row).execute(conn).await)?;
        Ok(())
    }

    /// Stores a user's names and address.
    ///
    /// # Errors
    /// [`StorageError::Taken`] where somebody else signs in by that name or address.
    pub async fn set_user_profile(&mut self, user: &User) -> Result<(), StorageError> {
        self.claim_logins(user).await?;
        let change = (
            users::username.eq(user.username.clone()),
            users::username_key.eq(User::key(&user.username)),
            users::email.eq(user.email.clone()),
            users::email_key.eq(user.email.as_deref().map(User::key)),
            users::email_verified.eq(user.email_verified),
            users::name.eq(user.name.clone()),
            users::updated_at.eq(user.updated_at.millis()),
        );
        let target = diesel::update(row_of_user!(self, user.id));
        on_conn!(self.unit, conn => target.set(change).execute(conn).await)?;
        Ok(())
    }

    /// Lets a user sign in, or not.
    pub async fn set_user_status(
        &mut self,
        id: UserId,
        status: UserStatus,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let change = (users::status.eq(status.as_str()), users::updated_at.eq(now.millis()));
        let target = diesel::update(row_of_user!(self, id));
        on_conn!(self.unit, conn => target.set(change).execute(conn).await)?;
        Ok(())
    }

    /// Stores what a user may do to the tenant.
    pub async fn set_user_roles(
        &mut self,
        id: UserId,
        roles: &[Role],
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let roles = serde_json::to_string(roles).map_err(StorageError::broken)?;
        let change = (users::roles.eq(roles), users::updated_at.eq(now.millis()));
        let target = diesel::update(row_of_user!(self, id));
        on_conn!(self.unit, conn => target.set(change).execute(conn).await)?;
        Ok(())
    }

    /// Stores a user's password hash.
    pub async fn set_user_password(
        &mut self,
        id: UserId,
        hash: &str,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let change =
            (users::password_hash.eq(Some(hash.to_owned())), users::updated_at.eq(now.millis()));
        let target = diesel::update(row_of_user!(self, id));
        on_conn!(self.unit, conn => target.set(change).execute(conn).await)?;
        Ok(())
    }

    /// Puts a new hash of the same password in the place of the one that was just verified; answers
    /// `false` where that is no longer the user's.
    pub async fn replace_password_hash(
        &mut self,
        user: &User,
        hash: &str,
    ) -> Result<bool, StorageError> {
        let target =
            row_of_user!(self, user.id).filter(users::password_hash.eq(user.password_hash.clone()));
        let change = users::password_hash.eq(Some(hash.to_owned()));
        let changed =
            on_conn!(self.unit, conn => diesel::update(target).set(change).execute(conn).await)?;
        Ok(changed > 0)
    }

    /// Removes a user and ends everything it had; what is left of that is removed afterwards.
    pub async fn delete_user(&mut self, id: UserId) -> Result<Place, StorageError> {
        let target = row_of_user!(self, id);
        on_conn!(self.unit, conn => diesel::delete(target).execute(conn).await)?;
        Ok(self.end_deleted(Ending::User(id)))
    }
}
