//! Signing keys.

pub(in crate::storage) mod signing_keys;
