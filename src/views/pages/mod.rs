//! The pages of end users, and those that anybody may see.

mod account;
mod api_docs;
mod consent;
mod form_post;
mod login;
mod logout;
mod message;

pub use account::{Account, OwnSession};
pub use api_docs::{ApiCall, ApiDocs};
pub use consent::{Consent, ScopeLine};
pub use form_post::FormPost;
pub use login::Login;
pub use logout::Logout;
pub use message::Message;

use super::AnyPage;

/// All of them.
pub(super) const ALL: &[AnyPage] = &[
    AnyPage::of::<Account>(),
    AnyPage::of::<ApiDocs>(),
    AnyPage::of::<Consent>(),
    AnyPage::of::<FormPost>(),
    AnyPage::of::<Login>(),
    AnyPage::of::<Logout>(),
    AnyPage::of::<Message>(),
];
