//! The database: SQL is the truth, and here alone it is spoken.
//!
//! A [`Storage`] hands out a [`Unit`] of work on one connection. Everything that belongs
//! to a tenant is reached through [`Unit::tenant`], whose [`TenantStore`] puts that
//! tenant into each of its queries; no other way leads to a scoped table.

mod audit;
mod cache;
mod clients;
mod codes;
mod connection;
mod consents;
mod directory;
mod error;
mod families;
mod migrate;
mod nodes;
mod pool;
mod revocation_events;
mod rotations;
#[allow(missing_docs)]
mod schema;
mod sessions;
mod signing_keys;
mod sweep;
mod tenants;
mod unit;
mod users;

pub use audit::AuditFilter;
pub use cache::Cache;
pub use clients::ClientPage;
pub use codes::Redemption;
pub use directory::Directory;
pub use error::StorageError;
pub use families::Rotation;
pub use nodes::NodeSeen;
pub use pool::{Db, Pool, PoolError};
pub use rotations::RotationRequest;
pub use sessions::{Ended, Selection, SessionFilter};
pub use signing_keys::KeyRotation;
pub use unit::{CommitListener, Storage, TenantStore, Unit};

/// A page of a keyset-paged list: what it holds, and where the next one begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Pass this as `after` for the next page; `None` at the end.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// A page from `limit + 1` rows: the extra row tells that there is more.
    pub(crate) fn cut(mut items: Vec<T>, limit: i64, key: impl Fn(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(key) } else { None };
        Self { items, next }
    }

    /// The same page with each item turned into another.
    pub fn map<U>(self, turn: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(turn).collect(), next: self.next }
    }
}
