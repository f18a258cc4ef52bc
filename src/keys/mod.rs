//! Keys: the master key and what is derived from it, and each tenant's signing keys
//! (RFC 7515, 7517, 7638).

mod error;
mod generate;
mod jwk;
mod jwt;
mod keystore;
mod mac;
mod master;
mod refresh_token;
mod verified;

pub use error::KeyError;
pub use jwk::{AssertionAlg, check_jwks};
pub use jwt::{TokenRejected, TokenType, unverified_issuer, verify_assertion};
pub use keystore::{Keystore, TenantKeys};
pub use mac::{Mac, same_secret};
pub use master::{MasterKey, MasterKeyError, Purpose, sha256};
pub use refresh_token::RefreshToken;
