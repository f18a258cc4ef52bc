//! Passwords (NIST SP 800-63B §3.1.1): which may be chosen, and whether one is right.

use std::borrow::Cow;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::oneshot;

use super::{
    hashes::{Given, Stored, Verdict, work_of},
    known_passwords::{KnownNames, PasswordOwner},
};
use crate::{
    domain::{AuthenticationMethod, Tenant},
    keys::{Keystore, Mac},
    turns::{Busy, Standing, Turns},
};

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

/// The factor: makes and checks hashes, a few at a time.
pub(in crate::accounts) struct Password {
    pepper: Mac,
    of_tenants: Turns,
    /// A turn to themselves, so that nobody keeps operators out of their console.
    of_operators: Turns,
}

impl Password {
    /// What it proves, in the words of RFC 8176.
    pub(in crate::accounts) const METHOD: AuthenticationMethod = AuthenticationMethod::Password;

    pub(in crate::accounts) fn new(keys: &Keystore) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            pepper: keys.pepper(),
            of_tenants: Turns::new((cores / 2).max(1)),
            of_operators: Turns::new(1),
        }
    }

    /// Whether `password` is behind `hash`; where there is none, as much work is done for nothing.
    pub(in crate::accounts) async fn verify(
        &self,
        tenant: &Tenant,
        standing: Standing,
        password: &SecretString,
        hash: Option<&str>,
    ) -> Result<Verdict, Busy> {
        let unread = |why: &&str| {
            let tenant = &tenant.slug;
            tracing::error!(why, %tenant, "a stored password hash cannot be read: its user needs a new password");
        };
        let stored = hash.and_then(|text| Stored::parse(text).inspect_err(unread).ok());
        let (given, cost) =
            (Given::new(&self.pepper, password), tenant.settings.password_bcrypt_cost);
        let work = stored.as_ref().map_or(0, Stored::work).max(work_of(cost));
        let text = hash.unwrap_or_default().to_owned();
        self.run(tenant, standing, work, move || {
            given.verdict(stored.as_ref().zip(Some(text.as_str())), cost)
        })
        .await
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
        let (given, cost) =
            (Given::new(&self.pepper, password), tenant.settings.password_bcrypt_cost);
        let hash = self.run(tenant, Standing::Known, work_of(cost), move || given.hash(cost)).await;
        hash.ok().and_then(Result::ok).ok_or(HashRefused::Busy)
    }

    async fn run<T: Send + 'static>(
        &self,
        tenant: &Tenant,
        standing: Standing,
        amount: u64,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let turns = if tenant.is_system() { &self.of_operators } else { &self.of_tenants };
        let turn = turns.wait(tenant.id, standing, amount).await?;
        let (done, result) = oneshot::channel();
        let span = tracing::Span::current();
        let hashing = std::thread::Builder::new().name("hashing".into()).spawn(move || {
            let _entered = span.entered();
            give_way();
            let result = work();
            drop(turn);
            // Whoever hung up no longer wants it.
            let _ = done.send(result);
        });
        hashing.map_err(|_| Busy)?;
        result.await.map_err(|_| Busy)
    }
}

/// Lets every other thread go before this one where they need the same core: a hash takes so long that it
/// would hold up requests for a whole turn of the scheduler's, and is itself in no such hurry.
fn give_way() {
    #[cfg(target_os = "linux")]
    {
        let thread = rustix::thread::gettid();
        if let Err(why) = rustix::process::setpriority_process(Some(thread), 10) {
            tracing::debug!(error = %why, "hashing could not be told to give way to requests");
        }
    }
}
