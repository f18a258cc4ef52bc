//! Steps of issuing: first the stamp is read, then the facts.

use crate::setup::{Flaw, Setup};
use crate::state::{CLIENT, Entry, How, Issue, Session, State, Token};
use crate::truth::{ends_session, ends_token, obliged};
use crate::verify::{ended_by, from_memory, session_lives};

/// Whether there is room for what an issuing makes, and the node may issue.
pub(crate) fn may_issue(setup: &Setup, state: &State, id: u8, how: How) -> bool {
    let node = state.node(id);
    let room = match how {
        How::SignIn(_) | How::Redeem(_) => rows(state) < setup.sessions,
        _ => tokens(state) < setup.tokens,
    };
    let working = setup.ids().any(|id| state.node(id).work.is_some());
    let calm = !setup.calm || (state.commits() == 0 && !working);
    let way = match how {
        How::Memory => node.cache.is_some() && may_use_memory(setup, state, id),
        How::Direct | How::SignIn(_) => !node.cut,
        // One generation of rows made from rows is enough.
        How::Redeem(row) => !node.cut && state.session(row).is_some_and(|row| row.parent.is_none()),
        How::Refresh(row) => !node.cut && state.session(row).is_some(),
    };
    let place = !setup.issue_when_cut || node.cut;
    state.issue.is_none() && node.view.is_some() && room && calm && way && place
}

fn rows(state: &State) -> usize {
    state.sessions.iter().flatten().count()
}

pub(crate) fn tokens(state: &State) -> usize {
    state.tokens.iter().flatten().count()
}

/// Whether a node issues from memory. The old rule never asked how old its view was.
fn may_use_memory(setup: &Setup, state: &State, id: u8) -> bool {
    if setup.has(Flaw::HeadWithCachedFacts) && state.node(id).cut {
        return false;
    }
    !setup.numbers() || setup.has(Flaw::MemoryWithoutAView) || from_memory(setup, state, id)
}

/// First step: the stamp is read.
pub(crate) fn begin(setup: &Setup, state: &mut State, id: u8, how: How) {
    let stamp = stamp(setup, state, id, how);
    let mut truth = None;
    if setup.has(Flaw::BornAfterTheFacts) {
        truth = facts(setup, state, id, how);
        if truth.is_none() {
            return;
        }
    }
    state.issue = Some(Issue { node: id, how, stamp, truth });
}

fn stamp(setup: &Setup, state: &State, id: u8, how: How) -> u8 {
    match how {
        _ if !setup.numbers() => setup.clock(state, id),
        How::Memory if !setup.has(Flaw::HeadWithCachedFacts) => state.node(id).applied,
        _ => state.head(),
    }
}

/// Second step: the facts are read, and what they allow is made. In between the issuing waits;
/// that the real thing also waits between reading the facts and writing changes nothing, because
/// what it then makes is what is made here, only later.
pub(crate) fn end(setup: &Setup, state: &mut State) {
    let Some(mut issue) = state.issue.take() else {
        return;
    };
    if setup.has(Flaw::BornAfterTheFacts) {
        issue.stamp = stamp(setup, state, issue.node, issue.how);
    } else {
        issue.truth = facts(setup, state, issue.node, issue.how);
    }
    if setup.careful && !stamp_is_good(setup, state, &mut issue) {
        return;
    }
    if let Some(truth) = issue.truth {
        make(setup, state, issue, truth);
    }
}

/// What a careful issuing does besides: the number of the row that was found in memory counts
/// where it is higher than `applied`, and what would be dead on arrival is not made.
fn stamp_is_good(setup: &Setup, state: &State, issue: &mut Issue) -> bool {
    let good = |subject| !ended_by(setup, state.row(subject).mark, issue.stamp);
    match issue.how {
        How::Memory => {
            let row = state.node(issue.node).cache.map_or(0, |entry| entry.seen);
            issue.stamp = issue.stamp.max(row);
            true
        }
        How::SignIn(subject) => good(subject),
        How::Direct => good(CLIENT),
        How::Redeem(_) | How::Refresh(_) => true,
    }
}

/// Reads what an issuing rests on: how many endings were committed at the oldest fact, or none
/// if it is refused.
fn facts(setup: &Setup, state: &State, id: u8, how: How) -> Option<u8> {
    let now = state.commits();
    match how {
        How::SignIn(subject) => state.row(subject).present.then_some(now),
        How::Direct => state.row(CLIENT).present.then_some(now),
        How::Redeem(row) | How::Refresh(row) => {
            let row = state.session(row)?;
            session_lives(setup, state, &row).then_some(row.truth.min(now))
        }
        How::Memory if may_use_memory(setup, state, id) => {
            state.node(id).cache.map(|entry| entry.truth)
        }
        How::Memory => None,
    }
}

/// Writes a session row or mints a token.
fn make(setup: &Setup, state: &mut State, issue: Issue, truth: u8) {
    let Issue { node, how, stamp, .. } = issue;
    let (from, session) = match how {
        How::Direct | How::Memory => (CLIENT, None),
        How::SignIn(subject) => (subject, None),
        How::Redeem(row) | How::Refresh(row) => {
            (state.session(row).map_or(CLIENT, |row| row.subject), Some(row))
        }
    };
    let left = match setup.lifetime {
        0 => 0,
        life => life + setup.slowest() - setup.behind[usize::from(node)],
    };
    let token = Token { subject: from, session, stamp, truth, left };
    state.spoilt |= made_too_late(setup, state, node, how, &token);
    if matches!(how, How::SignIn(_) | How::Redeem(_)) {
        let row = Session { subject: from, stamp, truth, ended: false, parent: session };
        let place = rows(state);
        state.sessions[place] = Some(row);
    } else {
        let place = tokens(state);
        state.tokens[place] = Some(token);
    }
}

/// Whether something was made from what an ending had ended, where the node had to know. What
/// goes by the database has to know at once.
fn made_too_late(setup: &Setup, state: &State, node: u8, how: How, token: &Token) -> bool {
    state.ordered().any(|(seq, ending)| match how {
        How::Memory => {
            (obliged(setup, ending, node) || ending.said) && ends_token(state, (seq, ending), token)
        }
        How::Redeem(id) | How::Refresh(id) => {
            let ended = |row| ends_session(state, (seq, ending), id, &row);
            ending.answered.is_some() && state.session(id).is_some_and(ended)
        }
        How::SignIn(_) | How::Direct => {
            ending.answered.is_some() && ends_token(state, (seq, ending), token)
        }
    })
}

/// The client's row as a node reads it for its cache.
pub(crate) fn read_client(state: &State) -> Option<Entry> {
    let row = state.row(CLIENT);
    row.present.then_some(Entry { seen: state.head(), truth: state.commits() })
}
