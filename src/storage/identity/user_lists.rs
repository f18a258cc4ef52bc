//! Users by the page, found by how their names and addresses begin.

use diesel::{ExpressionMethods, NullableExpressionMethods, QueryDsl, SelectableHelper};
use diesel_async::RunQueryDsl;

use super::users::{Row, users};
use crate::domain::User;
use crate::storage::{Page, StorageError, TenantStore, engine::connection::on_conn};

/// Where a page of users ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserCursor {
    /// Among those who are found by their name; empty at the beginning.
    Name(String),
    /// Among those who are found by their address.
    Email(String),
}

impl UserCursor {
    /// Reads what [`std::fmt::Display`] writes; nothing is the beginning.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None if text.is_empty() => Some(Self::Name(String::new())),
            Some(("name", key)) => Some(Self::Name(key.to_owned())),
            Some(("email", key)) => Some(Self::Email(key.to_owned())),
            _ => None,
        }
    }
}

impl std::fmt::Display for UserCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(key) => write!(f, "name:{key}"),
            Self::Email(key) => write!(f, "email:{key}"),
        }
    }
}

/// The end of a range of texts that begin with the same letters: after each of their successors.
const AFTER_ALL: char = '\u{10ffff}';

/// How often a page goes on looking by address, where all that it finds were found by name.
const MOST_LOOKS: u32 = 5;

fn cursor_at(user: &User, prefix: &str) -> UserCursor {
    let name = User::key(&user.username);
    match &user.email {
        Some(email) if !name.starts_with(prefix) => UserCursor::Email(User::key(email)),
        _ => UserCursor::Name(name),
    }
}

impl TenantStore<'_> {
    /// Users whose name begins with `prefix`, in the order of their names, then those whose address
    /// does and whose name does not, in the order of their addresses. Each half has its index.
    pub async fn list_users(
        &mut self,
        prefix: &str,
        after: &UserCursor,
        limit: i64,
    ) -> Result<Page<User>, StorageError> {
        let prefix = User::key(prefix);
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut users = Vec::new();
        if let UserCursor::Name(after) = after {
            users = self.users_by_name(&prefix, after, limit + 1).await?;
            if users.len() > wanted || prefix.is_empty() {
                let name = |user: &User| UserCursor::Name(User::key(&user.username)).to_string();
                return Ok(Page::cut(users, limit, name));
            }
        }
        let mut position = match after {
            UserCursor::Name(_) => String::new(),
            UserCursor::Email(after) => after.clone(),
        };
        // Who is found by name already is passed over, and so many are looked at.
        for _ in 0..MOST_LOOKS {
            let found = self.users_by_email(&prefix, &position, limit + 1).await?;
            let is_last = found.len() <= wanted;
            for (email, user) in found {
                if !User::key(&user.username).starts_with(&prefix) {
                    if users.len() == wanted {
                        let next = users.last().map(|user| cursor_at(user, &prefix).to_string());
                        return Ok(Page { items: users, next });
                    }
                    users.push(user);
                }
                position = email;
            }
            if is_last {
                return Ok(Page { items: users, next: None });
            }
        }
        Ok(Page { items: users, next: Some(UserCursor::Email(position).to_string()) })
    }

    async fn users_by_name(
        &mut self,
        prefix: &str,
        after: &str,
        limit: i64,
    ) -> Result<Vec<User>, StorageError> {
        let key = self.key();
        let rows: Vec<Row> = on_conn!(self.unit, conn => {
            let query = users::table
                .filter(users::tenant_id.eq(key))
                .filter(users::username_key.le(format!("{prefix}{AFTER_ALL}")))
                .order(users::username_key)
                .limit(limit)
                .select(Row::as_select())
                .into_boxed();
            // One lower bound: of two a planner takes either.
            let query = match after >= prefix {
                true => query.filter(users::username_key.gt(after.to_owned())),
                false => query.filter(users::username_key.ge(prefix.to_owned())),
            };
            query.load(conn).await
        })?;
        rows.into_iter().map(User::try_from).collect()
    }

    /// Users whose address begins with `prefix`, each with the key that their order is by.
    async fn users_by_email(
        &mut self,
        prefix: &str,
        after: &str,
        limit: i64,
    ) -> Result<Vec<(String, User)>, StorageError> {
        let (key, email) = (self.key(), users::email_key.assume_not_null());
        let rows: Vec<(String, Row)> = on_conn!(self.unit, conn => {
            let query = users::table
                .filter(users::tenant_id.eq(key))
                .filter(users::email_key.is_not_null())
                .filter(email.le(format!("{prefix}{AFTER_ALL}")))
                .order(email)
                .limit(limit)
                .select((email, Row::as_select()))
                .into_boxed();
            let query = match after >= prefix {
                true => query.filter(email.gt(after.to_owned())),
                false => query.filter(email.ge(prefix.to_owned())),
            };
            query.load(conn).await
        })?;
        rows.into_iter().map(|(email, row)| Ok((email, User::try_from(row)?))).collect()
    }
}
