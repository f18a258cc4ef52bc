//! What a node says of a token, and what the database says of a session.

use crate::setup::{Flaw, Setup};
use crate::state::{CLIENT, Ending, Entry, Session, State, Target, Token, bit};

/// A node's answer about a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accepted,
    Refused,
    /// It cannot know and refuses (503).
    Unknown,
}

/// Whether a mark (the number or the cut-off of an ending) ends what bears a stamp.
pub(crate) fn ended_by(setup: &Setup, mark: u8, stamp: u8) -> bool {
    match setup.numbers() {
        true => mark > stamp,
        // Wall clocks start above nought, so a mark of nought is no cut-off.
        false => stamp <= mark,
    }
}

/// Whether a node may answer and issue from memory.
pub(crate) fn from_memory(setup: &Setup, state: &State, id: u8) -> bool {
    let node = state.node(id);
    let leased = setup.leases == 0 || !setup.numbers() || setup.has(Flaw::LeaseIgnored) || {
        // The second half is the rule that the model asked for: see `ViewOlderThanTheLease`.
        node.lease > 0 && (node.covered || setup.has(Flaw::ViewOlderThanTheLease))
    };
    setup.fresh(node.view) && leased
}

/// Whether the database lets a session be used: its row, the row that it was made from, and the
/// row of its subject.
pub(crate) fn session_lives(setup: &Setup, state: &State, session: &Session) -> bool {
    let row = state.row(session.subject);
    let parent = session.parent.and_then(|id| state.session(id));
    let orphan = parent.is_some_and(|parent| parent.ended) && !setup.has(Flaw::ParentNotJoined);
    !session.ended && !orphan && row.present && !ended_by(setup, row.mark, session.stamp)
}

/// What a node answers when it is shown a token.
pub(crate) fn verdict(setup: &Setup, state: &State, id: u8, token: &Token) -> Verdict {
    let node = state.node(id);
    if node.view.is_none() {
        return Verdict::Unknown;
    }
    let expired =
        setup.lifetime > 0 && token.left <= setup.slowest() - setup.behind[usize::from(id)];
    if expired {
        return Verdict::Refused;
    }
    let ended = match from_memory(setup, state, id) {
        true => registry_ends(setup, state, id, token),
        false if node.cut => return Verdict::Unknown,
        false => database_ends(setup, state, token),
    };
    if ended { Verdict::Refused } else { Verdict::Accepted }
}

/// The events that a node knows, without those that it has dropped again.
fn remembered<'a>(setup: &Setup, state: &'a State, id: u8) -> impl Iterator<Item = &'a Ending> {
    events(setup, state, id, false)
}

/// The events that a node knows and has dropped, or has not.
fn events<'a>(
    setup: &Setup,
    state: &'a State,
    id: u8,
    dropped: bool,
) -> impl Iterator<Item = &'a Ending> {
    let known = state.node(id).known;
    let expiring = setup.lifetime > 0;
    let limit = setup.lifetime + setup.keep + setup.behind[usize::from(id)];
    let kept = move |(seq, ending): (u8, &'a Ending)| {
        let right = (expiring && ending.age >= limit) == dropped;
        (known & bit(seq) != 0 && right).then_some(ending)
    };
    state.ordered().filter_map(kept)
}

/// The mark that a node's registry has for a subject.
fn registry_mark(setup: &Setup, state: &State, id: u8, subject: u8) -> u8 {
    let marks = remembered(setup, state, id)
        .filter(|ending| ending.target.subject() == Some(subject))
        .map(|ending| if setup.numbers() { ending.number } else { ending.cutoff });
    marks.max().unwrap_or(0)
}

/// The highest number that a node has dropped. Nothing from before it is good any more: it has
/// expired, or a clock is wrong, or it was signed late.
fn floor(setup: &Setup, state: &State, id: u8) -> u8 {
    let dropped = events(setup, state, id, true).map(|ending| ending.number);
    if setup.numbers() { dropped.max().unwrap_or(0) } else { 0 }
}

/// Whether a node's memory refuses a token.
pub(crate) fn registry_ends(setup: &Setup, state: &State, id: u8, token: &Token) -> bool {
    let by_session = |ending: &Ending| match (token.session, ending.target) {
        (Some(session), Target::Session(ended)) => state.hangs_on(session, ended),
        _ => false,
    };
    let mark = registry_mark(setup, state, id, token.subject);
    let floor = if setup.has(Flaw::ForgottenWithoutAFloor) { 0 } else { floor(setup, state, id) };
    remembered(setup, state, id).any(by_session)
        || ended_by(setup, mark, token.stamp)
        || ended_by(setup, floor, token.stamp)
}

/// Whether the database refuses a token.
pub(crate) fn database_ends(setup: &Setup, state: &State, token: &Token) -> bool {
    let row = state.row(token.subject);
    let session = token.session.and_then(|id| state.session(id));
    let parent = session.and_then(|session| session.parent).and_then(|id| state.session(id));
    [session, parent].into_iter().flatten().any(|session| session.ended)
        || !row.present
        || ended_by(setup, row.mark, token.stamp)
}

/// Whether a client's row may get into a node's cache: the registry knows of no ending, and has
/// forgotten none, since the row was read.
pub(crate) fn may_cache(setup: &Setup, state: &State, id: u8, entry: Entry) -> bool {
    let unlooked = !setup.numbers() || setup.has(Flaw::FillUnchecked);
    let floor = if setup.has(Flaw::FillWithoutAFloor) { 0 } else { floor(setup, state, id) };
    let known = registry_mark(setup, state, id, CLIENT).max(floor);
    unlooked || entry.seen >= known
}
