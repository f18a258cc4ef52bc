//! Signing keys, and the mark of the key that seals them.

pub(in crate::storage) mod installation;
pub(in crate::storage) mod signing_keys;
