//! Tenants, their clients and their users.

pub(in crate::storage) mod clients;
pub(in crate::storage) mod tenants;
pub(in crate::storage) mod user_lists;
pub(in crate::storage) mod users;
