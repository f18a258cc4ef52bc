//! What stands on many pages.

use serde::Serialize;

/// One hidden field of a form.
#[derive(Debug, Clone, Serialize)]
pub struct Hidden {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl Hidden {
    /// A field of this name.
    pub(super) fn sample(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), value: value.to_owned() }
    }
}
