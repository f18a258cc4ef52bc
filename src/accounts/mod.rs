//! Users proving who they are.

mod browser;
mod login;
mod passwords;

pub use browser::{NewSession, Visitor, find_visitor, sign_in_browser};
pub use login::Accounts;
