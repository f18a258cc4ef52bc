//! Message authentication (HMAC, RFC 2104) under keys that never leave this room.

use aws_lc_rs::{constant_time, hmac};

/// A key that tells what this server has made.
pub struct Mac(hmac::Key);

impl Mac {
    /// HMAC-SHA-256 under `key`.
    pub(super) fn sha256(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// HMAC-SHA-384 under `key`.
    pub(super) fn sha384(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA384, key))
    }

    /// The tag of `message`.
    pub fn tag(&self, message: &[u8]) -> Vec<u8> {
        hmac::sign(&self.0, message).as_ref().to_vec()
    }

    /// Whether `tag` is that of `message`, in a time that tells nothing else.
    pub fn is_tag_of(&self, tag: &[u8], message: &[u8]) -> bool {
        hmac::verify(&self.0, message, tag).is_ok()
    }
}

/// Whether both are the same, in a time that tells nothing else but their lengths.
pub fn same_secret(one: &[u8], other: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(one, other).is_ok()
}
