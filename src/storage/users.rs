//! Users.

use std::{collections::HashMap, str::FromStr};

use diesel::{
    AsChangeset, BoolExpressionMethods, EscapeExpressionMethods, ExpressionMethods, Insertable,
    NullableExpressionMethods, OptionalExtension, QueryDsl, Queryable, Selectable, SelectableHelper,
    TextExpressionMethods,
};
use diesel_async::RunQueryDsl;

use super::{Page, StorageError, TenantStore, connection::on_conn, schema::users};
use crate::domain::{TenantId, Timestamp, User, UserId, UserStatus};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = users, treat_none_as_null = true)]
pub(super) struct Row {
    tenant_id: String,
    id: String,
    username: String,
    username_key: String,
    email: Option<String>,
    email_key: Option<String>,
    email_verified: bool,
    name: Option<String>,
    password_hash: Option<String>,
    roles: String,
    status: String,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<Row> for User {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            tenant_id: TenantId::from_str(&row.tenant_id).map_err(StorageError::corrupt)?,
            id: UserId::from_str(&row.id).map_err(StorageError::corrupt)?,
            username: row.username,
            email: row.email,
            email_verified: row.email_verified,
            name: row.name,
            password_hash: row.password_hash,
            roles: serde_json::from_str(&row.roles).map_err(StorageError::corrupt)?,
            status: match row.status.as_str() {
                "active" => UserStatus::Active,
                "disabled" => UserStatus::Disabled,
                other => return Err(StorageError::corrupt(format!("user status {other}"))),
            },
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
        })
    }
}

fn row_of(user: &User) -> Result<Row, StorageError> {
    Ok(Row {
        tenant_id: user.tenant_id.to_string(),
        id: user.id.to_string(),
        username: user.username.clone(),
        username_key: User::key(&user.username),
        email: user.email.clone(),
        email_key: user.email.as_deref().map(User::key),
        email_verified: user.email_verified,
        name: user.name.clone(),
        password_hash: user.password_hash.clone(),
        roles: serde_json::to_string(&user.roles).map_err(StorageError::corrupt)?,
        status: user.status.as_str().to_owned(),
        created_at: user.created_at.millis(),
        updated_at: user.updated_at.millis(),
    })
}

impl TenantStore<'_> {
    /// The user with this identifier.
    pub async fn find_user(&mut self, id: UserId) -> Result<Option<User>, StorageError> {
        let query = users::table.filter(users::tenant_id.eq(self.key())).filter(users::id.eq(id.to_string()));
        let row: Option<Row> =
            on_conn!(self.unit, conn => query.select(Row::as_select()).first(conn).await.optional())?;
        row.map(User::try_from).transpose()
    }

    /// The user who signs in as `login`: a user name, or else an e-mail address.
    pub async fn find_user_by_login(&mut self, login: &str) -> Result<Option<User>, StorageError> {
        let key = User::key(login);
        let query = users::table
            .filter(users::tenant_id.eq(self.key()))
            .filter(users::username_key.eq(key.clone()).or(users::email_key.assume_not_null().eq(key.clone())));
        let rows: Vec<Row> = on_conn!(self.unit, conn => query.select(Row::as_select()).load(conn).await)?;
        // A user name goes before another user's address.
        let (named, addressed): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.username_key == key);
        named.into_iter().chain(addressed).next().map(User::try_from).transpose()
    }

    /// Users in the order of their names, those after `after`, whose name or address begins with `prefix`.
    pub async fn list_users(&mut self, prefix: &str, after: &str, limit: i64) -> Result<Page<User>, StorageError> {
        let starts = format!("{}%", escape_like(&User::key(prefix)));
        let query = users::table
            .filter(users::tenant_id.eq(self.key()))
            .filter(users::username_key.gt(after.to_owned()))
            .filter(
                users::username_key
                    .like(starts.clone())
                    .escape('\\')
                    .or(users::email_key.assume_not_null().like(starts).escape('\\')),
            )
            .order(users::username_key)
            .limit(limit + 1);
        let rows: Vec<Row> = on_conn!(self.unit, conn => query.select(Row::as_select()).load(conn).await)?;
        let items = rows.into_iter().map(User::try_from).collect::<Result<_, _>>()?;
        Ok(Page::cut(items, limit, |user: &User| User::key(&user.username)))
    }

    /// The names that these users sign in with.
    pub async fn usernames(&mut self, ids: &[UserId]) -> Result<HashMap<String, String>, StorageError> {
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let query = users::table
            .filter(users::tenant_id.eq(self.key()))
            .filter(users::id.eq_any(ids))
            .select((users::id, users::username));
        let rows: Vec<(String, String)> = on_conn!(self.unit, conn => query.load(conn).await)?;
        Ok(rows.into_iter().collect())
    }

    /// Adds a user.
    pub async fn insert_user(&mut self, user: &User) -> Result<(), StorageError> {
        let row = row_of(user)?;
        on_conn!(self.unit, conn => diesel::insert_into(users::table).values(&row).execute(conn).await)?;
        Ok(())
    }

    /// Stores a changed user.
    pub async fn update_user(&mut self, user: &User) -> Result<(), StorageError> {
        let row = row_of(user)?;
        let target = users::table.filter(users::tenant_id.eq(self.key())).filter(users::id.eq(user.id.to_string()));
        on_conn!(self.unit, conn => diesel::update(target).set(&row).execute(conn).await)?;
        Ok(())
    }

    /// Removes a user with its sessions and grants.
    pub async fn delete_user(&mut self, id: UserId) -> Result<(), StorageError> {
        let target = users::table.filter(users::tenant_id.eq(self.key())).filter(users::id.eq(id.to_string()));
        on_conn!(self.unit, conn => diesel::delete(target).execute(conn).await)?;
        Ok(())
    }
}

fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
