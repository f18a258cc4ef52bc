//! How many connections are held, and which is closed for the next one.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rocket::futures::future::AbortHandle;

use super::pace::Pace;

/// More than these are never held: each takes 40 KiB, and up to 128 KiB more of a request that is coming.
const MOST: usize = 5_000;

/// How many are looked at for one that never brought a request.
const LOOKED_AT: usize = 64;

struct Member {
    pace: Arc<Pace>,
    task: AbortHandle,
}

#[derive(Default)]
struct Members {
    by_number: BTreeMap<u64, Member>,
    next: u64,
    /// Where the last search for one to close ended.
    searched: u64,
}

/// The connections that are held.
pub(super) struct Crowd {
    most: usize,
    members: Mutex<Members>,
}

/// The place of one connection, for as long as it is held.
pub(super) struct Place {
    crowd: Arc<Crowd>,
    number: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.crowd.members().by_number.remove(&self.number);
    }
}

impl Crowd {
    pub(super) fn of(most: usize) -> Self {
        Self { most, members: Mutex::default() }
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a connection in. Where they would be too many, another is closed for it; `None` where each of
    /// them is being answered.
    pub(super) fn admit(self: &Arc<Self>, pace: Arc<Pace>, task: AbortHandle) -> Option<Place> {
        let mut members = self.members();
        if members.by_number.len() >= self.most && !members.close_one() {
            return None;
        }
        let number = members.next;
        members.next += 1;
        members.by_number.insert(number, Member { pace, task });
        Some(Place { crowd: Arc::clone(self), number })
    }

    /// Closes one that brings nothing, where there is one.
    pub(super) fn make_room(&self) {
        let _ = self.members().close_one();
    }
}

impl Members {
    /// Of the next few, the first that never brought a request; or else the first that is not being
    /// answered. So strangers who only hold connections push out one another, and nobody who is served.
    fn close_one(&mut self) -> bool {
        let round =
            self.by_number.range(self.searched..).chain(self.by_number.range(..self.searched));
        let (mut chosen, mut last) = (None, self.searched);
        for (looked_at, (number, member)) in round.enumerate() {
            if looked_at >= LOOKED_AT && chosen.is_some() {
                break;
            }
            last = *number;
            if member.pace.is_answering() {
                continue;
            }
            if member.pace.is_new() {
                chosen = Some(*number);
                break;
            }
            chosen = chosen.or(Some(*number));
        }
        self.searched = last + 1;
        let closed = chosen.and_then(|number| self.by_number.remove(&number));
        if let Some(member) = &closed {
            member.task.abort();
        }
        closed.is_some()
    }
}

/// How many files this process may open; the soft limit is raised to the hard one first.
pub(crate) fn files_of_process() -> usize {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = rustix::process::Rlimit { current: limit.maximum, maximum: limit.maximum };
        if setrlimit(Resource::Nofile, raised).is_ok() {
            limit = raised;
        }
    }
    limit.current.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX)
}

/// How many of `files` the connections of clients may take: `kept` of them are for the database, Redis, the
/// log and the management port, but never more than half.
pub(crate) fn share_of_strangers(files: usize, kept: usize) -> usize {
    files.saturating_sub(kept).max(files / 2).min(MOST)
}
