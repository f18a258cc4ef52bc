//! What callers send: the field names of the file that `apply` reads, in all three doors.

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::{
    domain::{ClientMetadata, FieldError, Resource, Role, ScopeDefinition, Slug, TenantSettings, UserStatus},
    installation::PasswordOwner,
};

/// A tenant as it shall be.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantInput {
    /// Its name in addresses.
    pub slug: Slug,
    /// Its name for people; the slug where it is left out.
    #[serde(default)]
    pub name: Option<String>,
    /// What it decides for itself.
    #[serde(default)]
    pub settings: TenantSettings,
    /// Its scopes.
    #[serde(default)]
    pub scopes: Vec<ScopeDefinition>,
    /// Its audiences.
    #[serde(default)]
    pub resources: Vec<Resource>,
}

/// A client as it shall be.
#[derive(Debug, Clone)]
pub struct ClientInput {
    /// Its identifier; made where it is left out.
    pub client_id: Option<String>,
    /// Its secret; made where it needs one and has none.
    pub client_secret: Option<SecretString>,
    /// What it says of itself.
    pub metadata: ClientMetadata,
}

impl<'de> Deserialize<'de> for ClientInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::from_value(value).map_err(serde::de::Error::custom)
    }
}

impl ClientInput {
    /// Reads a JSON object.
    ///
    /// # Errors
    /// The field that is unknown or of the wrong kind.
    pub fn from_value(value: Value) -> Result<Self, FieldError> {
        let Value::Object(mut members) = value else {
            return Err(FieldError::new("client", "an object"));
        };
        let mut text = |name: &str| match members.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(FieldError::new(name, "a string")),
        };
        let (client_id, client_secret) = (text("client_id")?, text("client_secret")?);
        Ok(Self {
            client_id,
            client_secret: client_secret.map(SecretString::from),
            metadata: read(Value::Object(members))?,
        })
    }
}

/// A user as it shall be.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserInput {
    /// The name it signs in with.
    pub username: String,
    /// Its e-mail address.
    #[serde(default)]
    pub email: Option<String>,
    /// Whether that was shown to be its own.
    #[serde(default)]
    pub email_verified: bool,
    /// Its name for people.
    #[serde(default)]
    pub name: Option<String>,
    /// Its password; left out, it stays as it is.
    #[serde(default)]
    pub password: Option<SecretString>,
    /// A hash from `export --with-hashes`, in place of a password.
    #[serde(default)]
    pub password_hash: Option<String>,
    /// What it may do to the tenant.
    #[serde(default)]
    pub roles: Vec<Role>,
    /// Whether it may sign in.
    #[serde(default = "active")]
    pub status: UserStatus,
}

impl UserInput {
    /// Whose its password shall be.
    pub(super) fn owner(&self) -> PasswordOwner<'_> {
        PasswordOwner { username: &self.username, email: self.email.as_deref(), name: self.name.as_deref() }
    }
}

fn active() -> UserStatus {
    UserStatus::Active
}

/// Reads `value` as a `T`, and names the field at fault where it is none.
///
/// # Errors
/// The field, as well as serde can tell it.
pub(crate) fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, FieldError> {
    serde_json::from_value(value).map_err(|why| {
        let text = why.to_string();
        // serde names an unknown or missing field in backticks; a value of the wrong kind it only describes.
        let named = text.split('`').nth(1).filter(|_| text.contains("field")).unwrap_or("body");
        FieldError::new(named.to_owned(), text.clone())
    })
}

/// Puts `patch` over `base` (JSON Merge Patch, RFC 7396).
pub(crate) fn merge(base: &mut Value, patch: Value) {
    match (base, patch) {
        (Value::Object(base), Value::Object(patch)) => {
            for (name, value) in patch {
                if value.is_null() {
                    base.remove(&name);
                } else {
                    merge(base.entry(name).or_insert(Value::Null), value);
                }
            }
        }
        (base, patch) => *base = patch,
    }
}
