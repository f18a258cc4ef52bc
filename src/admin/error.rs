//! Why a use case was refused.

use crate::{accounts::HashRefused, domain::FieldError, keys::KeyError, storage::StorageError};

/// A refusal.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// There is no such thing, or none that the caller may know of.
    #[error("not found")]
    NotFound,
    /// The caller may not.
    #[error("not allowed: {0}")]
    Forbidden(&'static str),
    /// A field is wrong.
    #[error("{0}")]
    Invalid(#[from] FieldError),
    /// It was changed by another since the caller looked (RFC 9110 §13.1.1).
    #[error("it was changed by another meanwhile: look again, then decide")]
    Stale,
    /// It clashes with what is there.
    #[error("conflict: {0}")]
    Conflict(String),
    /// A dependency is away; nothing was changed.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// Something is broken that a retry does not mend; nothing was changed.
    #[error("broken: {0}")]
    Broken(String),
}

impl From<HashRefused> for AdminError {
    fn from(refused: HashRefused) -> Self {
        match refused {
            HashRefused::Password(why) => FieldError::new("password", why).into(),
            HashRefused::Busy => Self::Unavailable("too many passwords are being hashed".into()),
        }
    }
}

impl From<StorageError> for AdminError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Taken(what) => Self::Conflict(taken(&what)),
            StorageError::Away(why) => Self::Unavailable(why),
            other => Self::Broken(other.to_string()),
        }
    }
}

impl From<KeyError> for AdminError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Storage(storage) => match &*storage {
                StorageError::Away(why) => Self::Unavailable(why.clone()),
                other => Self::Broken(other.to_string()),
            },
            KeyError::Gone => Self::NotFound,
            KeyError::Busy => Self::Unavailable(error.to_string()),
            KeyError::Broken(why) => Self::Broken(why.to_owned()),
        }
    }
}

/// The databases name a constraint each in their own way.
fn taken(constraint: &str) -> String {
    let known = [
        ("email", "this e-mail address is taken"),
        ("username", "this username is taken"),
        ("clients", "this client_id is taken"),
        ("tenants", "this slug is taken"),
    ];
    let found = known.iter().find(|(word, _)| constraint.contains(word));
    found.map_or_else(|| "already there".to_owned(), |(_, text)| (*text).to_owned())
}
