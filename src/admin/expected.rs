//! What a caller has seen of a thing before they change it (RFC 9110 §13.1.1, `If-Match`).

use super::AdminError;

/// The versions that a change is meant for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected(Option<Vec<i64>>);

impl Expected {
    /// Whatever it is now.
    pub const ANY: Self = Self(None);

    /// One of these.
    pub fn one_of(versions: Vec<i64>) -> Self {
        Self(Some(versions))
    }

    /// Holds what was taken for changing against it. `taken` is the version that it became when it
    /// was taken, one above the one that callers have seen.
    ///
    /// # Errors
    /// [`AdminError::Stale`].
    pub(super) fn check(&self, taken: i64) -> Result<(), AdminError> {
        let current = taken - 1;
        match &self.0 {
            Some(seen) if !seen.contains(&current) => Err(AdminError::Stale),
            _ => Ok(()),
        }
    }
}
