//! A small file beside the database file that remembers the last number: a database that knows
//! less than it was restored from a backup. Losing it costs that notice and nothing else.

use std::path::{Path, PathBuf};

use crate::{
    domain::{EventNumber, NodeId},
    effects::private_file,
};

/// The file beside `database`.
pub(super) fn beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".head");
    PathBuf::from(name)
}

/// The number in the file, where it was written for this installation.
pub(super) fn read(path: &Path, installation: NodeId) -> Option<EventNumber> {
    let text = std::fs::read_to_string(path).ok()?;
    let (name, number) = text.trim().split_once(' ')?;
    if name != installation.to_string() {
        return None;
    }
    number.parse().ok().map(EventNumber)
}

/// Writes the number, whole or not at all.
pub(super) fn write(path: &Path, installation: NodeId, number: EventNumber) {
    if read(path, installation).is_some_and(|known| known >= number) {
        return;
    }
    let draft = path.with_extension("head.tmp");
    // The folder may be open to others; this file is as private as the database beside it.
    let made = private_file(&draft);
    let written = made.and_then(|()| std::fs::write(&draft, format!("{installation} {number}\n")));
    if let Err(why) = written.and_then(|()| std::fs::rename(&draft, path)) {
        tracing::warn!(error = %why, "the last event could not be noted beside the database: a restored backup may go unnoticed");
    }
}
