//! Passwords (NIST SP 800-63B §3.1.1): which may be chosen, and whether one is right.

use std::borrow::Cow;

use secrecy::{ExposeSecret, SecretString};

use super::{
    hashes::{Hashes, check_hash, stands_for},
    known_passwords::{KnownNames, PasswordOwner},
};
use crate::{
    domain::{AuthenticationMethod, Tenant},
    keys::Keystore,
    turns::{Busy, Standing},
};

pub(in crate::accounts) use super::hashes::Verdict;

/// Characters that a password has at least (NIST SP 800-63B §3.1.1), and bytes at most.
const SHORTEST: usize = 8;
pub(in crate::accounts) const LONGEST: usize = 1024;

/// Why no hash was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HashRefused {
    /// The password is too short, too long or too well known: words for the person who chose it.
    Password(Cow<'static, str>),
    /// Too many are being hashed.
    Busy,
}

/// The factor.
pub(in crate::accounts) struct Password(Hashes);

impl Password {
    /// What it proves, in the words of RFC 8176.
    pub(in crate::accounts) const METHOD: AuthenticationMethod = AuthenticationMethod::Password;

    pub(in crate::accounts) fn new(keys: &Keystore) -> Self {
        Self(Hashes::new(keys))
    }

    /// Whether `password` is behind `hash`; where there is none, as much work is done for nothing.
    pub(in crate::accounts) async fn verify(
        &self,
        tenant: &Tenant,
        standing: Standing,
        password: &SecretString,
        hash: Option<&str>,
    ) -> Result<Verdict, Busy> {
        self.0.verify(tenant, standing, password, hash).await
    }

    /// The hash to store for `password`, which `owner` shall have.
    pub(in crate::accounts) async fn hash(
        &self,
        tenant: &Tenant,
        owner: &PasswordOwner<'_>,
        password: &SecretString,
    ) -> Result<String, HashRefused> {
        let length = password.expose_secret().chars().count();
        if length < SHORTEST || password.expose_secret().len() > LONGEST {
            return Err(HashRefused::Password("8 characters at least, 1024 bytes at most".into()));
        }
        let (names, candidate) = (KnownNames::of(owner, tenant), password.clone());
        // Some passwords take the estimate milliseconds.
        let known = tokio::task::spawn_blocking(move || names.refusal(candidate.expose_secret()));
        if let Some(why) = known.await.map_err(|_| HashRefused::Busy)? {
            return Err(HashRefused::Password(why.into()));
        }
        self.0.hash(tenant, password).await.map_err(|_| HashRefused::Busy)
    }

    /// Whether a hash that was made elsewhere can be verified here.
    pub(in crate::accounts) fn check_hash(hash: &str) -> Result<(), &'static str> {
        check_hash(hash)
    }

    /// Whether `stored` is `given`, or what a sign-in has made of it.
    pub(in crate::accounts) fn stands_for(stored: &str, given: &str) -> bool {
        stands_for(stored, given)
    }
}
