//! What clients were granted: codes, consents, families of refresh tokens and their rotation.

pub(in crate::storage) mod codes;
pub(in crate::storage) mod consents;
pub(in crate::storage) mod families;
pub(in crate::storage) mod gathered_rotations;
pub(in crate::storage) mod rotations;
