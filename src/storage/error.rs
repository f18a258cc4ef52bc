//! What can go wrong below. Never turned into "not found" or `invalid_grant`.

use diesel::result::{DatabaseErrorKind, Error};

/// A database operation that did not come about.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The database is away, busy or full; nothing was decided.
    #[error("the database does not answer: {0}")]
    Away(String),
    /// A unique value is taken.
    #[error("already taken: {0}")]
    Taken(String),
    /// A row that this version cannot read.
    #[error("the database holds a value that this version cannot read: {0}")]
    Corrupt(String),
    /// The schema could not be brought to this version.
    #[error("migration failed: {0}")]
    Migration(String),
}

impl From<Error> for StorageError {
    fn from(error: Error) -> Self {
        match error {
            Error::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => {
                Self::Taken(info.constraint_name().unwrap_or(info.message()).to_owned())
            }
            Error::DeserializationError(why) => Self::Corrupt(why.to_string()),
            other => Self::Away(other.to_string()),
        }
    }
}

impl StorageError {
    pub(crate) fn corrupt(what: impl std::fmt::Display) -> Self {
        Self::Corrupt(what.to_string())
    }
}
