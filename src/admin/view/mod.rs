//! What callers are shown: the console, the API and the shell show the same.

mod audit;
mod client;
mod consent;
mod key;
pub mod samples;
mod session;
mod tenant;
mod user;

pub use audit::AuditView;
pub use client::{ClientView, CreatedClient, CreatedSecret, SecretView};
pub use consent::ConsentView;
pub use key::KeyView;
pub use session::{Ending, FamilyView, SessionView};
pub use tenant::TenantView;
pub use user::UserView;

use serde::Serialize;
use utoipa::ToSchema;

use crate::storage::Page;

/// A page of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Listed<T> {
    /// What it holds.
    pub items: Vec<T>,
    /// Pass this as `after` for the next page; null at the end.
    pub next: Option<String>,
}

impl<T> Listed<T> {
    pub(in crate::admin) fn of<U>(page: Page<U>, view: impl FnMut(U) -> T) -> Self {
        Self { items: page.items.into_iter().map(view).collect(), next: page.next }
    }
}
