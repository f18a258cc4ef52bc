//! The servers that somebody has signed in to from this machine, and with what: a file of theirs alone.

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::Failure;
use crate::effects::{private_file, private_folder_of};

/// A server, and what somebody holds of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Profile {
    /// Its origin.
    pub(super) server: String,
    /// The tenant that they signed in to.
    pub(super) tenant: String,
    /// The client that they did it with.
    pub(super) client_id: String,
    /// Who they are.
    pub(super) user: String,
    /// Where it hands out tokens.
    pub(super) token_endpoint: String,
    /// Where it takes them back (RFC 7009).
    pub(super) revocation_endpoint: String,
    pub(super) access_token: String,
    /// When that is no good any more, in seconds since the Unix epoch.
    pub(super) expires_at: u64,
    pub(super) refresh_token: Option<String>,
}

/// Every profile by its name, and which is used where none is named.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Profiles {
    pub(super) current: Option<String>,
    pub(super) profiles: BTreeMap<String, Profile>,
}

/// Where the profiles are: `PORTCULLIS_PROFILES`, or a file in the user's folder for configuration.
fn path() -> Result<PathBuf, Failure> {
    let folder =
        |name: &str| std::env::var_os(name).filter(|text| !text.is_empty()).map(PathBuf::from);
    let found = folder("PORTCULLIS_PROFILES")
        .or_else(|| folder("XDG_CONFIG_HOME").map(|at| at.join("portcullis/profiles.json")))
        .or_else(|| folder("HOME").map(|at| at.join(".config/portcullis/profiles.json")));
    found.ok_or_else(|| {
        Failure("there is no HOME to keep profiles in: set PORTCULLIS_PROFILES to a file".into())
    })
}

impl Profiles {
    /// Reads them; none where there is no file yet.
    pub(super) fn load() -> Result<Self, Failure> {
        let path = path()?;
        let named =
            |why: &dyn std::fmt::Display| Failure::from(format!("{}: {why}", path.display()));
        match std::fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map_err(|why| named(&why)),
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(why) => Err(named(&why)),
        }
    }

    /// Keeps every other command from changing them until what is answered is dropped. Two that used one refresh token after
    /// one another would be taken for a thief and its victim (RFC 9700 §4.14).
    pub(super) fn lock() -> Result<std::fs::File, Failure> {
        let path = path()?.with_extension("lock");
        let locked = private_folder_of(&path)
            .and_then(|()| private_file(&path))
            .and_then(|()| std::fs::OpenOptions::new().write(true).open(&path))
            .and_then(|file| file.lock().map(|()| file));
        locked.map_err(|why| Failure::from(format!("{}: {why}", path.display())))
    }

    /// Writes them whole, for their owner alone.
    pub(super) fn save(&self) -> Result<(), Failure> {
        let path = path()?;
        let written = serde_json::to_vec_pretty(self)
            .map_err(std::io::Error::from)
            .and_then(|text| write_private(&path, &text));
        written.map_err(|why| Failure::from(format!("{}: {why}", path.display())))
    }

    /// The profile with this name, or the current one.
    pub(super) fn find(&self, name: Option<&str>) -> Option<(String, Profile)> {
        let name = name.or(self.current.as_deref())?;
        self.profiles.get(name).map(|profile| (name.to_owned(), profile.clone()))
    }

    /// The profile of a server, the current one before others.
    pub(super) fn of_server(&self, server: &str) -> Option<(String, Profile)> {
        let is_of = |profile: &Profile| profile.server == server.trim_end_matches('/');
        let current = self.find(None).filter(|(_, profile)| is_of(profile));
        current.or_else(|| {
            let mut all = self.profiles.iter();
            all.find(|(_, profile)| is_of(profile))
                .map(|(name, profile)| (name.clone(), profile.clone()))
        })
    }
}

/// Writes a file that only its owner reads; one that was there is replaced in one step.
pub(super) fn write_private(path: &Path, text: &[u8]) -> std::io::Result<()> {
    private_folder_of(path)?;
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    private_file(&beside)?;
    let mut file = std::fs::OpenOptions::new().write(true).truncate(true).open(&beside)?;
    file.write_all(text)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}
