//! Password hashes: bcrypt over a peppered digest.
//!
//! bcrypt sees 72 bytes and no more, so it is given base64(HMAC-SHA-384(pepper, password)),
//! 64 characters that depend on every byte of the password; the pepper comes from the
//! master key, so a stolen database alone gives nothing to guess against.

use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::keys::{MasterKey, Purpose};

/// Hashing that is not possible now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Busy;

/// Makes and checks password hashes, a few at a time.
pub(super) struct Passwords {
    pepper: hmac::Key,
    /// One hash takes 60 to 240 ms of a core: more at once would stop everything else.
    permits: Arc<Semaphore>,
    /// Requests that may wait for a permit.
    queue: Arc<Semaphore>,
}

/// Requests that wait at most, per permit.
const WAITING: usize = 32;

impl Passwords {
    pub(super) fn new(master: &MasterKey) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let permits = (cores / 2).max(1);
        Self {
            pepper: hmac::Key::new(hmac::HMAC_SHA384, master.derive(Purpose::Pepper, None).as_slice()),
            permits: Arc::new(Semaphore::new(permits)),
            queue: Arc::new(Semaphore::new(permits * WAITING)),
        }
    }

    fn peppered(&self, password: &SecretString) -> Zeroizing<String> {
        let tag = hmac::sign(&self.pepper, password.expose_secret().as_bytes());
        Zeroizing::new(STANDARD.encode(tag.as_ref()))
    }

    pub(super) async fn hash(&self, password: &SecretString, cost: u32) -> Result<String, Busy> {
        let peppered = self.peppered(password);
        self.run(move || bcrypt::non_truncating_hash(peppered.as_bytes(), cost)).await?.map_err(|_| Busy)
    }

    /// Whether `password` is behind `hash`; where there is none, as much work is done for nothing.
    pub(super) async fn verify(&self, password: &SecretString, hash: Option<&str>, cost: u32) -> Result<bool, Busy> {
        let peppered = self.peppered(password);
        let known = hash.is_some();
        // A hash that nothing hashes to, of the cost that a real one would have.
        let hash = hash.map_or_else(|| format!("$2b${cost:02}${}", ".".repeat(53)), str::to_owned);
        let fits = self.run(move || bcrypt::non_truncating_verify(peppered.as_bytes(), &hash)).await?;
        Ok(fits.unwrap_or(false) && known)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let place = Arc::clone(&self.queue).try_acquire_owned().map_err(|_| Busy)?;
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| Busy)?;
        // The permit belongs to the work, not to the request: a client that hangs up frees
        // no core, so it must not free a permit either.
        let task = tokio::task::spawn_blocking(move || {
            let result = work();
            drop((permit, place));
            result
        });
        task.await.map_err(|_| Busy)
    }
}
