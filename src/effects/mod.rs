//! The only doors to time and randomness, and to folders that hold secrets.
//!
//! Everything that reads a clock or draws random bytes takes it from an
//! [`Effects`] value, so tests set the clock and nothing else in the tree
//! depends on when it runs.

mod clock;
mod entropy;
mod folder;

use std::sync::Arc;

pub use clock::{Clock, ManualClock, SystemClock};
pub use entropy::{Entropy, SystemEntropy};
pub use folder::{is_open_to_others, private_file, private_folder_of};

use crate::domain::Timestamp;

/// The outside world as the server may touch it.
#[derive(Clone)]
pub struct Effects {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Effects {
    /// The machine's own clock and random source.
    pub fn system() -> Self {
        Self::new(Arc::new(SystemClock), Arc::new(SystemEntropy))
    }

    /// Effects from the given sources.
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { clock, entropy }
    }

    /// The present instant, in milliseconds since the Unix epoch.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The clock itself, for parts that need to hold one.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// `N` bytes from the random source.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        self.entropy.fill(&mut out);
        out
    }

    /// Sixteen bytes that tell one thing from every other: random, and no secret, since they come from a
    /// generator that costs a hundredth of the random source.
    pub fn label(&self) -> [u8; 16] {
        fastrand::u128(..).to_be_bytes()
    }

    /// A new time-ordered identifier (UUID v7, RFC 9562 §5.7).
    pub fn uuid(&self) -> uuid::Uuid {
        let millis = u64::try_from(self.now().millis()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes::<10>()).into_uuid()
    }

    /// A new identifier, ordered by time.
    pub fn id<T: From<uuid::Uuid>>(&self) -> T {
        self.uuid().into()
    }

    /// 256 random bits, base64url without padding (43 characters).
    pub fn secret(&self) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(self.bytes::<32>())
    }
}
