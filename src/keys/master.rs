//! The master key: 32 bytes in a file, from which every other secret is derived (HKDF,
//! RFC 5869) and under which private keys are sealed (AES-256-GCM).

use std::{io::Write as _, path::Path};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey},
    digest, hkdf,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::Mac;
use crate::{
    domain::TenantId,
    effects::{Effects, private_folder_of},
};

/// What a derived key is for; each purpose has a key of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Sealing private keys.
    Seal,
    /// The MAC of refresh tokens.
    RefreshToken,
    /// The pepper of passwords.
    Pepper,
    /// The MAC of form tokens.
    Csrf,
    /// The MAC of what tells a known browser.
    Device,
    /// The MAC of a sign-in in progress.
    Interaction,
    /// What tells this key from another, kept in the database.
    Check,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Seal => b"portcullis/1/seal",
            Self::RefreshToken => b"portcullis/1/refresh-token",
            Self::Pepper => b"portcullis/1/password-pepper",
            Self::Csrf => b"portcullis/1/csrf",
            Self::Device => b"portcullis/1/device",
            Self::Interaction => b"portcullis/1/interaction",
            Self::Check => b"portcullis/1/check",
        }
    }
}

/// A master key file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("master key {path}: {why}")]
pub struct MasterKeyError {
    path: String,
    why: String,
}

/// The master key.
pub struct MasterKey(Zeroizing<[u8; 32]>);

struct Len;

impl hkdf::KeyType for Len {
    fn len(&self) -> usize {
        32
    }
}

impl MasterKeyError {
    /// The key at `path` is missing or another than the database was sealed under.
    pub fn not_the_databases(path: &Path) -> Self {
        let why = match path.exists() {
            true => "it is not the key that this database was sealed under: put that one back",
            false => {
                "there is no such file, and this database was sealed under a key: put that one back"
            }
        };
        Self { path: path.display().to_string(), why: why.to_owned() }
    }
}

impl MasterKey {
    /// Reads the key, or makes it where there is no file yet (mode 0600).
    ///
    /// # Errors
    /// A file that cannot be read or written, or that holds something else than 32 bytes in base64.
    pub fn load_or_create(path: &Path, effects: &Effects) -> Result<Self, MasterKeyError> {
        if !path.exists() {
            Self::create(path, effects)?;
        }
        Self::load(path)
    }

    /// Reads the key.
    ///
    /// # Errors
    /// As [`Self::load_or_create`].
    pub fn load(path: &Path) -> Result<Self, MasterKeyError> {
        let wrong = |why: String| MasterKeyError { path: path.display().to_string(), why };
        let text = std::fs::read_to_string(path)
            .map(Zeroizing::new)
            .map_err(|why| wrong(why.to_string()))?;
        let bytes = STANDARD.decode(text.trim()).map(Zeroizing::new).unwrap_or_default();
        let key = <[u8; 32]>::try_from(bytes.as_slice());
        key.map(|key| Self(Zeroizing::new(key))).map_err(|_| {
            wrong("it must hold 32 bytes in base64: head -c 32 /dev/urandom | base64".into())
        })
    }

    fn create(path: &Path, effects: &Effects) -> Result<(), MasterKeyError> {
        let wrong = |why: std::io::Error| MasterKeyError {
            path: path.display().to_string(),
            why: why.to_string(),
        };
        private_folder_of(path).map_err(wrong)?;
        let key = Zeroizing::new(effects.bytes::<32>());
        let text = Zeroizing::new(format!("{}\n", STANDARD.encode(key.as_slice())));
        // Written whole under another name first: of two that start at once, neither reads half a key.
        let draft = path.with_extension(format!("{}.tmp", effects.uuid().simple()));
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&draft).map_err(wrong)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(wrong)?;
        // Linking fails where the other was first; then the other's key is the key.
        let linked = std::fs::hard_link(&draft, path);
        std::fs::remove_file(&draft).map_err(wrong)?;
        match linked {
            Err(why) if why.kind() != std::io::ErrorKind::AlreadyExists => Err(wrong(why)),
            _ => Ok(()),
        }
    }

    /// The 32 bytes for `purpose`, for `tenant` alone where one is given.
    fn derive(&self, purpose: Purpose, tenant: Option<TenantId>) -> Zeroizing<[u8; 32]> {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"portcullis");
        let tenant = tenant.map(|id| *id.as_bytes()).unwrap_or_default();
        let info = [purpose.label(), &tenant];
        let mut out = Zeroizing::new([0; 32]);
        let filled = salt
            .extract(self.0.as_slice())
            .expand(&info, Len)
            .and_then(|okm| okm.fill(out.as_mut_slice()));
        if filled.is_err() {
            // 32 bytes is within HKDF's bound whatever the input; going on with zeros is not an option.
            std::process::abort();
        }
        out
    }

    /// What tells this key from another and says nothing else of it.
    pub fn check_value(&self) -> Vec<u8> {
        self.derive(Purpose::Check, None).to_vec()
    }

    /// The HMAC-SHA-256 key for `purpose` and `tenant`.
    pub(super) fn mac(&self, purpose: Purpose, tenant: Option<TenantId>) -> Mac {
        Mac::sha256(self.derive(purpose, tenant).as_slice())
    }

    /// The key that passwords are peppered with.
    pub(super) fn pepper(&self) -> Mac {
        Mac::sha384(self.derive(Purpose::Pepper, None).as_slice())
    }

    /// Seals `secret`, bound to the tenant and to `name`.
    pub(super) fn seal(&self, tenant: TenantId, name: &str, secret: &[u8]) -> Option<Vec<u8>> {
        let mut sealed = secret.to_vec();
        let aad = Aad::from(bound(tenant, name));
        let nonce = self.sealing_key()?.seal_in_place_append_tag(aad, &mut sealed).ok()?;
        Some([nonce.as_ref().as_slice(), &sealed].concat())
    }

    /// Opens what [`Self::seal`] made for the same tenant and name.
    pub(super) fn open(
        &self,
        tenant: TenantId,
        name: &str,
        sealed: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, body) = sealed.split_at_checked(12)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut body = Zeroizing::new(body.to_vec());
        let length = self
            .sealing_key()?
            .open_in_place(nonce, Aad::from(bound(tenant, name)), &mut body)
            .ok()?
            .len();
        body.truncate(length);
        Some(body)
    }

    fn sealing_key(&self) -> Option<RandomizedNonceKey> {
        RandomizedNonceKey::new(&AES_256_GCM, self.derive(Purpose::Seal, None).as_slice()).ok()
    }
}

fn bound(tenant: TenantId, name: &str) -> Vec<u8> {
    [tenant.as_bytes().as_slice(), name.as_bytes()].concat()
}

/// SHA-256, for secrets of 256 random bits, which no slow hash makes better.
pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}
