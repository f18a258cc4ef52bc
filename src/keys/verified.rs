//! Access tokens whose signature was found to be good, so that it is computed once.
//!
//! What is held says nothing of whether a token is good now: its instants and its endings are looked at
//! each time, and it counts as long as the key that it names verifies.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest;

use crate::{domain::TenantId, protocol::AccessTokenClaims};

/// Tokens that nobody asks about for so long are forgotten.
const KEPT: Duration = Duration::from_secs(300);

/// Bytes of tokens that are held at most; what is read of one takes about twice its length more.
const MOST_BYTES: u64 = 4 << 20;

struct Entry {
    kid: String,
    /// The bytes of the token, by which it counts.
    length: u32,
    claims: Arc<AccessTokenClaims>,
}

fn digest_of(token: &str) -> [u8; 32] {
    let mut digest = [0; 32];
    digest.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    digest
}

/// Tokens by their digest, at the tenant that signed them.
pub(super) struct Verified(moka::sync::Cache<(TenantId, [u8; 32]), Arc<Entry>>);

impl Verified {
    pub(super) fn new() -> Self {
        let cache = moka::sync::Cache::builder()
            .weigher(|_, entry: &Arc<Entry>| entry.length)
            .max_capacity(MOST_BYTES)
            .time_to_idle(KEPT);
        Self(cache.build())
    }

    /// What was read of a token whose key still `counts`; or else what `verify` reads, with the `kid` of
    /// the key that it was signed with.
    pub(super) fn find_or<E>(
        &self,
        tenant: TenantId,
        token: &str,
        counts: impl Fn(&str) -> bool,
        verify: impl FnOnce() -> Result<(String, AccessTokenClaims), E>,
    ) -> Result<Arc<AccessTokenClaims>, E> {
        let digest = (tenant, digest_of(token));
        if let Some(entry) = self.0.get(&digest).filter(|entry| counts(&entry.kid)) {
            return Ok(Arc::clone(&entry.claims));
        }
        let (kid, claims) = verify()?;
        let claims = Arc::new(claims);
        let length = u32::try_from(token.len()).unwrap_or(u32::MAX);
        let entry = Entry { kid, length, claims: Arc::clone(&claims) };
        self.0.insert(digest, Arc::new(entry));
        Ok(claims)
    }
}
