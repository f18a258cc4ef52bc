//! What can go wrong below. Never turned into "not found" or `invalid_grant`.

use diesel::result::{DatabaseErrorKind, Error};

/// A database operation that did not come about.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The database is away, busy, full or out of time. Nothing was decided; only where a commit
    /// was cut off may it have come about all the same.
    #[error("the database does not answer: {0}")]
    Away(String),
    /// A unique value is taken.
    #[error("already taken: {0}")]
    Taken(String),
    /// A row that this version cannot read, or one that another rests on and that is not there.
    /// Trying again does not help.
    #[error("the database holds what this version cannot work with: {0}")]
    Broken(String),
    /// The schema could not be brought to this version.
    #[error("the database is not one that this version works with: {0}")]
    Migration(String),
}

impl StorageError {
    /// The database's own words.
    pub fn cause(&self) -> &str {
        let (Self::Away(why) | Self::Taken(why) | Self::Broken(why) | Self::Migration(why)) = self;
        why
    }
}

impl From<Error> for StorageError {
    fn from(error: Error) -> Self {
        match error {
            Error::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => {
                Self::Taken(info.constraint_name().unwrap_or(info.message()).to_owned())
            }
            Error::DatabaseError(
                DatabaseErrorKind::ForeignKeyViolation
                | DatabaseErrorKind::NotNullViolation
                | DatabaseErrorKind::CheckViolation,
                info,
            ) => Self::Broken(info.message().to_owned()),
            Error::DeserializationError(why) | Error::SerializationError(why) => {
                Self::Broken(why.to_string())
            }
            other => Self::Away(other.to_string()),
        }
    }
}

/// SQLite's one connection for writing is at work.
pub(in crate::storage) const OTHERS_WRITE: &str = "others are writing";

/// What SQLite says where another process holds its write lock.
pub(in crate::storage) const LOCKED: &str = "database is locked";

impl StorageError {
    /// Whether somebody else writes to SQLite at this moment: whoever has the time tries again.
    pub(in crate::storage) fn is_busy(&self) -> bool {
        matches!(self, Self::Away(why) if [OTHERS_WRITE, LOCKED].iter().any(|word| why.contains(word)))
    }

    /// Tells the log, where whoever asked is told no more than that it cannot be done.
    pub fn report(&self) {
        match self {
            // It is over by itself.
            Self::Away(error) => tracing::warn!(error, "the database does not answer"),
            other => tracing::error!(
                error = other.cause(),
                "the database holds what cannot be worked with"
            ),
        }
    }

    pub(in crate::storage) fn broken(what: impl std::fmt::Display) -> Self {
        Self::Broken(what.to_string())
    }

    pub(in crate::storage) fn away(what: impl std::fmt::Display) -> Self {
        Self::Away(what.to_string())
    }
}

/// Whether a connection that has answered with this is of no more use: it was closed, or it leads
/// to a server that has become a standby.
pub(in crate::storage) fn is_lasting(error: &Error) -> bool {
    matches!(
        error,
        Error::BrokenTransactionManager
            | Error::DatabaseError(
                DatabaseErrorKind::ReadOnlyTransaction
                    | DatabaseErrorKind::ClosedConnection
                    | DatabaseErrorKind::UnableToSendCommand,
                _
            )
    )
}
