//! The database: SQL is the truth, and here alone it is spoken.
//!
//! A [`Storage`] hands out a [`Unit`] of work on one connection. Everything that belongs
//! to a tenant is reached through [`Unit::tenant`], whose [`TenantStore`] puts that
//! tenant into each of its queries; no other way leads to a scoped table.

mod engine;
mod events;
mod grants;
mod identity;
mod jobs;
mod keys;
mod schema;
mod sessions;

pub(crate) use engine::scope::EveryTenant;
pub use engine::{
    columns::Key,
    error::StorageError,
    pool::{Db, Pool, PoolError},
    scope::Scope,
    unit::{CommitListener, Storage, TenantStore, Unit},
};
pub use events::{nodes::LEASE, revocation_events::Place};
pub use grants::consents::Consent;
pub use grants::rotations::{Rotated, Rotation, RotationRequest};
pub use identity::user_lists::UserCursor;
pub use jobs::queue::Step;
pub use keys::signing_keys::KeyRotation;
pub use schema::Sweep;
pub use sessions::{
    endings::{EndOne, EndRequest},
    lists::ListedSession,
};

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

/// Whether so many rows are all that a query with this limit may find: there may be more.
fn fills(rows: usize, limit: i64) -> bool {
    i64::try_from(rows).is_ok_and(|rows| rows >= limit)
}
