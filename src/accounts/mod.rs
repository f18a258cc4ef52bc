//! Users proving who they are.

mod browser;
mod known_passwords;
mod login;
mod passwords;

pub use browser::{NewSession, OwnEnding, Visitor, end_own, find_visitor, list_own, sign_in_browser};
pub use login::Accounts;
