//! Randomness as a parameter.

/// A source of random bytes fit for secrets.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `out` with random bytes.
    fn fill(&self, out: &mut [u8]);
}

/// The random source of aws-lc, seeded by the operating system.
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, out: &mut [u8]) {
        // aws-lc aborts the process itself where the system gives no entropy; an error
        // here would mean the same, and no token may be made from bytes that are not random.
        if aws_lc_rs::rand::fill(out).is_err() {
            std::process::abort();
        }
    }
}
