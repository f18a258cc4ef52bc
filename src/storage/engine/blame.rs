//! What of a batch could not be written, and so undid the rest.

use diesel::QueryResult;

use crate::storage::{StorageError, engine::error::is_lasting};

/// Who is to blame where a batch is not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::storage) enum Blame {
    /// None of it.
    Nobody,
    /// One of it, and it cannot be told which.
    Somebody,
    /// This one.
    One(usize),
}

/// Why a batch was not written.
pub(in crate::storage) struct Failed {
    pub(in crate::storage) by: Blame,
    pub(in crate::storage) why: StorageError,
}

impl From<StorageError> for Failed {
    fn from(why: StorageError) -> Self {
        Self { by: Blame::Nobody, why }
    }
}

impl From<Failed> for StorageError {
    fn from(failed: Failed) -> Self {
        failed.why
    }
}

/// Whether everything was written; else which was the first that was not. `places` says for each which of
/// the batch it is for.
pub(in crate::storage) fn all_written(
    places: impl IntoIterator<Item = Blame>,
    done: Vec<QueryResult<usize>>,
) -> Result<(), Failed> {
    for (by, done) in places.into_iter().zip(done) {
        done.map_err(|why| Failed { by, why: why.into() })?;
    }
    Ok(())
}

/// What became of one of a batch, unless its connection is of no more use: that is nobody's fault, and
/// everybody's trouble.
pub(in crate::storage) fn unless_lasting(
    done: QueryResult<usize>,
) -> QueryResult<QueryResult<usize>> {
    match done {
        Err(why) if is_lasting(&why) => Err(why),
        done => Ok(done),
    }
}
