//! A user as it is shown.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Timestamp, User};

/// A user.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UserView {
    /// Its identifier, the `sub` of its tokens.
    pub id: String,
    /// The name it signs in with.
    pub username: String,
    /// Its e-mail address.
    pub email: Option<String>,
    /// Whether that was shown to be its own.
    pub email_verified: bool,
    /// Its name for people.
    pub name: Option<String>,
    /// What it may do to the tenant.
    pub roles: Vec<String>,
    /// `active` or `disabled`.
    pub status: String,
    /// Whether it has a password.
    pub has_password: bool,
    /// Raised by each change; also the `ETag`.
    pub version: i64,
    /// When it was made.
    #[schema(value_type = String)]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String)]
    pub updated_at: Timestamp,
}

impl From<&User> for UserView {
    fn from(user: &User) -> Self {
        Self {
            id: user.id.to_string(),
            username: user.username.clone(),
            email: user.email.clone(),
            email_verified: user.email_verified,
            name: user.name.clone(),
            roles: user.roles.iter().map(|role| role.as_str().to_owned()).collect(),
            status: user.status.as_str().to_owned(),
            has_password: user.password_hash.is_some(),
            version: user.version,
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}
