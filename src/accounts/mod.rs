//! Users proving who they are, and the sessions that begin with it.

mod factors;
mod identify;
mod sessions;

pub use factors::{HashRefused, PasswordOwner};
pub use identify::{Accounts, Identified, SignInRefused};
pub use sessions::{
    Beginning, OwnEnding, Visitor, begin_session, end_own, find_visitor, list_own, sign_in_browser,
};
