//! Sessions: their rows, lists of them, what they rest on, and their endings.

pub(in crate::storage) mod endings;
pub(in crate::storage) mod lists;
pub(in crate::storage) mod rows;
pub(in crate::storage) mod standing;
