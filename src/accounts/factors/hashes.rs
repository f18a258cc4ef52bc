//! Password hashes: ours, and those that users bring along.
//!
//! Ours are bcrypt over a peppered digest. bcrypt sees 72 bytes and no more, so it is given
//! base64(HMAC-SHA-384(pepper, password)), 64 characters that depend on every byte of the password;
//! the pepper comes from the master key, so a stolen database alone gives nothing to guess against.
//! They bear a mark, since a bcrypt hash from elsewhere looks alike and is over the password itself.

use std::str::FromStr as _;

use argon2::Argon2;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use password_hash::PasswordHash;
use pbkdf2::Pbkdf2;
use scrypt::Scrypt;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::keys::{Mac, sha256};

/// In front of a bcrypt hash over the peppered password. Where it was made of another hash at a
/// sign-in, [`FROM`] and a digest of that one follow: a file that still has the other is told from one
/// that gives a new password.
const PEPPERED: &str = "$peppered";
const FROM: &str = ",from=";

/// The costs of bcrypt that are verified: a hash of more would hold a core for hours.
const COSTS: std::ops::RangeInclusive<u32> = 10..=15;

/// A stored hash that can be worked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stored {
    /// bcrypt over the peppered password.
    Ours { hash: String, cost: u32 },
    /// bcrypt over the password itself, from elsewhere.
    Bcrypt { hash: String, cost: u32 },
    /// argon2id, scrypt or PBKDF2, from elsewhere.
    Phc(String),
}

/// What a password is held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::accounts) enum Verdict {
    /// It is another.
    Wrong,
    /// It is the password.
    Right,
    /// It is the password, and this hash shall stand in the place of the stored one, which is from
    /// elsewhere or of another cost.
    Outdated(String),
}

fn bcrypt_cost(hash: &str) -> Result<u32, &'static str> {
    let parts = bcrypt::HashParts::from_str(hash)
        .map_err(|_| "no bcrypt hash: $2b$12$ and 53 characters")?;
    match parts.get_cost() {
        cost if COSTS.contains(&cost) => Ok(cost),
        _ => Err("bcrypt of cost 10 to 15"),
    }
}

impl Stored {
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if let Some(hash) = text.strip_prefix(PEPPERED) {
            let hash = hash.find('$').and_then(|at| hash.get(at..)).unwrap_or(hash);
            return Ok(Self::Ours { hash: hash.to_owned(), cost: bcrypt_cost(hash)? });
        }
        if ["$2a$", "$2b$", "$2y$"].iter().any(|version| text.starts_with(version)) {
            return Ok(Self::Bcrypt { hash: text.to_owned(), cost: bcrypt_cost(text)? });
        }
        let kinds = "bcrypt of cost 10 to 15, or argon2id, scrypt or PBKDF2 in PHC form";
        let hash = PasswordHash::new(text).map_err(|_| kinds)?;
        if hash.hash.is_none() || hash.salt.is_none() {
            return Err("salt and hash are needed");
        }
        match hash.algorithm.as_str() {
            "argon2id" => argon2_fits(&hash)?,
            "scrypt" => scrypt_fits(&hash)?,
            "pbkdf2-sha256" | "pbkdf2-sha512" => {
                let params = pbkdf2::Params::try_from(&hash).map_err(|_| "PBKDF2 with i and l")?;
                if !(1_000..=2_000_000).contains(&params.rounds) {
                    return Err("PBKDF2 of 1000 to 2000000 rounds");
                }
            }
            _ => return Err(kinds),
        }
        Ok(Self::Phc(text.to_owned()))
    }

    /// What verifying takes, in units of bcrypt at cost 10.
    pub(super) fn work(&self) -> u64 {
        match self {
            Self::Ours { cost, .. } | Self::Bcrypt { cost, .. } => work_of(*cost),
            Self::Phc(_) => work_of(13),
        }
    }
}

fn argon2_fits(hash: &PasswordHash<'_>) -> Result<(), &'static str> {
    let params = argon2::Params::try_from(hash).map_err(|_| "argon2id with m, t and p")?;
    let passes = u64::from(params.m_cost()) * u64::from(params.t_cost());
    if params.m_cost() > 131_072 || passes > 524_288 || params.p_cost() > 16 {
        return Err("argon2id of at most 128 MiB and 512 MiB in all its passes");
    }
    Ok(())
}

fn scrypt_fits(hash: &PasswordHash<'_>) -> Result<(), &'static str> {
    let params = scrypt::Params::try_from(hash).map_err(|_| "scrypt with ln, r and p")?;
    let bytes = (1_u64 << params.log_n().min(40)) * u64::from(params.r()) * 128;
    if bytes > 1 << 27 || bytes.saturating_mul(params.p().into()) > 1 << 29 {
        return Err("scrypt of at most 128 MiB and 512 MiB in all its lanes");
    }
    Ok(())
}

pub(super) fn work_of(cost: u32) -> u64 {
    1 << cost.saturating_sub(*COSTS.start()).min(10)
}

/// Does the work of bcrypt at `cost` for nothing.
fn waste(password: &[u8], cost: u32) {
    // Nobody waits for what comes of it; that it fails is not possible below 72 bytes.
    let _ = bcrypt::non_truncating_hash_with_salt(password, cost, [0; 16]);
}

/// Both forms of a password.
pub(super) struct Given {
    peppered: Zeroizing<String>,
    plain: SecretString,
}

impl Given {
    pub(super) fn new(pepper: &Mac, password: &SecretString) -> Self {
        let tag = pepper.tag(password.expose_secret().as_bytes());
        Self { peppered: Zeroizing::new(STANDARD.encode(tag)), plain: password.clone() }
    }

    /// A hash of it, of this cost.
    pub(super) fn hash(&self, cost: u32) -> Result<String, bcrypt::BcryptError> {
        let hash = bcrypt::non_truncating_hash(self.peppered.as_bytes(), cost)?;
        Ok(format!("{PEPPERED}{hash}"))
    }

    fn fits(&self, stored: &Stored) -> bool {
        match stored {
            Stored::Ours { hash, .. } => {
                bcrypt::non_truncating_verify(self.peppered.as_bytes(), hash).unwrap_or_default()
            }
            // Cut at 72 bytes, as whoever made it did.
            Stored::Bcrypt { hash, .. } => {
                bcrypt::verify(self.plain.expose_secret(), hash).unwrap_or_default()
            }
            Stored::Phc(text) => PasswordHash::new(text).is_ok_and(|hash| {
                let verifiers: [&dyn password_hash::PasswordVerifier; 3] =
                    [&Argon2::default(), &Scrypt, &Pbkdf2];
                hash.verify_password(&verifiers, self.plain.expose_secret()).is_ok()
            }),
        }
    }

    /// Holds the password against `stored`. A wrong one costs as much work as an unknown user does.
    pub(super) fn verdict(&self, stored: Option<(&Stored, &str)>, cost: u32) -> Verdict {
        let Some((stored, text)) = stored else {
            waste(self.peppered.as_bytes(), cost);
            return Verdict::Wrong;
        };
        let fits = self.fits(stored);
        match stored {
            Stored::Ours { cost: of_old, .. } if fits && *of_old == cost => Verdict::Right,
            _ if fits => match bcrypt::non_truncating_hash(self.peppered.as_bytes(), cost) {
                Ok(hash) => Verdict::Outdated(format!("{PEPPERED}{FROM}{}{hash}", origin_of(text))),
                Err(_) => Verdict::Right,
            },
            Stored::Ours { cost: of_old, .. } | Stored::Bcrypt { cost: of_old, .. } => {
                // 2^c + 2^c + 2^(c+1) + … is what 2^cost is.
                (*of_old..cost).for_each(|missing| waste(self.peppered.as_bytes(), missing));
                Verdict::Wrong
            }
            Stored::Phc(_) => Verdict::Wrong,
        }
    }
}

/// What tells the hash that `text` was first made of: another one, or itself.
fn origin_of(text: &str) -> String {
    let named = text
        .strip_prefix(PEPPERED)
        .and_then(|rest| rest.strip_prefix(FROM))
        .and_then(|rest| rest.split('$').next());
    match named {
        Some(origin) => origin.to_owned(),
        None => URL_SAFE_NO_PAD.encode(sha256(text.as_bytes()).get(..16).unwrap_or_default()),
    }
}

/// Whether `stored` is `given`, or was made of it at a sign-in.
pub(in crate::accounts) fn stands_for(stored: &str, given: &str) -> bool {
    stored == given || origin_of(stored) == origin_of(given)
}

/// Whether a hash from a file can be verified here.
///
/// # Errors
/// What would be right, in words.
pub(in crate::accounts) fn check_hash(text: &str) -> Result<(), &'static str> {
    Stored::parse(text).map(|_| ())
}
