//! The pages of the console.

mod audit;
mod client;
mod client_secret;
mod clients;
mod confirm;
mod confirm_ending;
mod connect;
mod ended;
mod frame;
mod keys;
mod login;
mod new_tenant;
mod parts;
pub mod registration;
mod session;
mod sessions;
mod tenant;
mod tenants;
mod user;
mod users;

pub use audit::Audit;
pub use client::{ClientForm, KindLink};
pub use client_secret::ClientSecretPage;
pub use clients::Clients;
pub use confirm::Confirm;
pub use confirm_ending::ConfirmEnding;
pub use connect::Connect;
pub use ended::{EndedPage, NodeLine};
pub use frame::Frame;
pub use keys::Keys;
pub use login::Login;
pub use new_tenant::NewTenant;
pub use parts::{Choice, Difference, Paging};
pub use session::SessionPage;
pub use sessions::Sessions;
pub use tenant::TenantPage;
pub use tenants::Tenants;
pub use user::UserForm;
pub use users::Users;

use super::AnyPage;

/// All of them.
pub(super) const ALL: &[AnyPage] = &[
    AnyPage::of::<Audit>(),
    AnyPage::of::<ClientForm>(),
    AnyPage::of::<ClientSecretPage>(),
    AnyPage::of::<Clients>(),
    AnyPage::of::<Confirm>(),
    AnyPage::of::<ConfirmEnding>(),
    AnyPage::of::<EndedPage>(),
    AnyPage::of::<Keys>(),
    AnyPage::of::<Login>(),
    AnyPage::of::<NewTenant>(),
    AnyPage::of::<SessionPage>(),
    AnyPage::of::<Sessions>(),
    AnyPage::of::<TenantPage>(),
    AnyPage::of::<Tenants>(),
    AnyPage::of::<UserForm>(),
    AnyPage::of::<Users>(),
];
