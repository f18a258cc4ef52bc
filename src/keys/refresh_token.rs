//! Refresh tokens that need no secret in the database.
//!
//! `prt_` and base64url of: family id (16 bytes), generation (4, big-endian), key id (1),
//! HMAC-SHA-256 (32) over tenant id and all of these. Garbage and other tenants' tokens die
//! at the MAC, in constant time and without a query; a successor can be derived again.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Keystore, Purpose};
use crate::domain::{FamilyId, TenantId};

const PREFIX: &str = "prt_";
const BODY: usize = 16 + 4 + 1;
const WHOLE: usize = BODY + 32;
/// The master key that made the MAC; there is one until master keys roll.
const KEY_ID: u8 = 1;

/// One generation of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshToken {
    /// The family.
    pub family: FamilyId,
    /// The generation.
    pub generation: u32,
}

impl RefreshToken {
    /// The token as the client holds it: 75 characters.
    pub fn seal(&self, keys: &Keystore, tenant: TenantId) -> String {
        let body = self.body();
        let tag = keys.mac(Purpose::RefreshToken, Some(tenant)).tag(&message(tenant, &body));
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode([body.as_slice(), &tag].concat()))
    }

    /// Reads a token of `tenant`; `None` for everything else.
    pub fn open(text: &str, keys: &Keystore, tenant: TenantId) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
        let bytes: [u8; WHOLE] = bytes.try_into().ok()?;
        let (body, tag) = bytes.split_at_checked(BODY)?;
        if !keys.mac(Purpose::RefreshToken, Some(tenant)).is_tag_of(tag, &message(tenant, body)) {
            return None;
        }
        let (family, rest) = body.split_at_checked(16)?;
        let (generation, key_id) = rest.split_at_checked(4)?;
        if key_id != [KEY_ID] {
            return None;
        }
        Some(Self {
            family: FamilyId::from_bytes(family.try_into().ok()?),
            generation: u32::from_be_bytes(generation.try_into().ok()?),
        })
    }

    fn body(&self) -> [u8; BODY] {
        let mut body = [0; BODY];
        let generation = self.generation.to_be_bytes();
        let parts = self.family.as_bytes().iter().chain(&generation).chain(&[KEY_ID]).copied();
        for (to, from) in body.iter_mut().zip(parts) {
            *to = from;
        }
        body
    }
}

fn message(tenant: TenantId, body: &[u8]) -> Vec<u8> {
    [tenant.as_bytes().as_slice(), body].concat()
}
