//! What can be wrong with keys.

use std::sync::Arc;

use crate::storage::StorageError;

/// Why a tenant's keys cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum KeyError {
    /// The database is away.
    #[error("keys cannot be read: {0}")]
    Storage(Arc<StorageError>),
    /// Too many keys are being made.
    #[error("too many keys are being made: try again")]
    Busy,
    /// There are none: the tenant was deleted since it was found.
    #[error("the tenant is gone")]
    Gone,
    /// A key is damaged, or the master key is not the one it was sealed under.
    #[error("key trouble: {0}")]
    Broken(&'static str),
}

impl From<StorageError> for KeyError {
    fn from(error: StorageError) -> Self {
        Self::Storage(Arc::new(error))
    }
}
