//! What users prove who they are with: one file each, which says what a proof of it is.

mod hashes;
mod known_passwords;
mod password;

pub(super) use hashes::{Verdict, check_hash, stands_for};
pub use known_passwords::PasswordOwner;
pub use password::HashRefused;
pub(super) use password::{LONGEST, Password};
