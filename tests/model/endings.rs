//! Steps of an ending, from its transaction to the answer; and the making anew of a client.

use crate::setup::{Flaw, Setup};
use crate::state::{Anew, CLIENT, Ending, Row, State, Target, Work, bit};

/// Whether an ending may begin: what it ends is there, and its row is not locked.
pub(crate) fn may_begin(setup: &Setup, state: &State, id: u8, target: Target) -> bool {
    let node = state.node(id);
    let open = || setup.ids().filter_map(|id| state.node(id).work).filter(|work| work.seq == 0);
    let locks = |work: Work| match target {
        Target::Session(_) => work.target == target,
        _ => work.target.subject() == target.subject(),
    };
    let there = match target {
        Target::Session(id) => state.session(id).is_some_and(|session| !session.ended),
        Target::Logout(subject) | Target::Delete(subject) => state.row(subject).present,
    };
    let calm = !setup.calm || state.issue.is_none();
    let idle = node.work.is_none() && !node.cut && node.view.is_some();
    let room = usize::from(state.commits()) + open().count() < usize::from(setup.endings);
    idle && calm && there && room && !open().any(locks)
}

/// The transaction begins: the row is locked. The old rule reads its clock before this.
pub(crate) fn begin(setup: &Setup, state: &mut State, id: u8, target: Target) {
    let cutoff = if setup.numbers() { 0 } else { setup.clock(state, id) };
    let taken = setup.ids().filter_map(|id| state.node(id).work).map(|work| work.early);
    let early = match setup.has(Flaw::NumberAtTheBeginning) {
        true => taken.max().unwrap_or(0).max(state.head()) + 1,
        false => 0,
    };
    state.node_mut(id).work = Some(Work { target, cutoff, early, seq: 0 });
}

/// The transaction commits: number, row and event become visible at once.
pub(crate) fn commit(setup: &Setup, state: &mut State, id: u8) {
    let Some(work) = state.node(id).work else {
        return;
    };
    let seq = state.commits() + 1;
    let early = setup.has(Flaw::NumberAtTheBeginning);
    state.endings[usize::from(seq) - 1] = Some(Ending {
        target: work.target,
        number: if early { work.early } else { state.head() + 1 },
        cutoff: work.cutoff,
        published: false,
        answered: None,
        since: 0,
        age: 0,
        said: false,
    });
    if let Target::Delete(subject) = work.target {
        state.rows[usize::from(subject)].present = false;
    }
    state.node_mut(id).work = Some(Work { seq, early: 0, ..work });
    if !setup.has(Flaw::NumberAfterTheCommit) {
        publish(setup, state, seq);
    }
}

/// The rows show the ending and followers can read it. In the design a part of the commit.
pub(crate) fn publish(setup: &Setup, state: &mut State, seq: u8) {
    let Some(ending) = state.ending_mut(seq) else {
        return;
    };
    ending.published = true;
    let (target, number, cutoff) = (ending.target, ending.number, ending.cutoff);
    match target {
        Target::Session(id) => {
            if let Some(session) = state.sessions[usize::from(id)].as_mut() {
                session.ended = true;
            }
        }
        Target::Logout(subject) | Target::Delete(subject) => {
            let mark = if setup.numbers() { number } else { cutoff };
            let row = &mut state.rows[usize::from(subject)];
            row.mark = row.mark.max(mark);
        }
    }
}

/// The node takes its own ending in and then answers the administrator.
pub(crate) fn answer(setup: &Setup, state: &mut State, id: u8) {
    let Some(work) = state.node_mut(id).work.take() else {
        return;
    };
    let Some(ending) = state.ending_mut(work.seq) else {
        return;
    };
    ending.answered = Some(id);
    let number = ending.number;
    let node = state.node_mut(id);
    if !setup.has(Flaw::AnsweredBeforeTheRegistry) {
        node.known |= bit(work.seq);
        if work.target.subject() == Some(CLIENT) {
            node.cache = None;
        }
    }
    if setup.has(Flaw::OwnEndingMovesApplied) {
        node.applied = node.applied.max(number);
    }
}

/// The client is made anew, born after whatever bore its name before.
pub(crate) fn make_anew(setup: &Setup, state: &mut State) {
    let mark = match (setup.flaw, state.anew) {
        (Some(Flaw::NewClientBornAtNought), _) => 0,
        (Some(Flaw::HeadBeforeTheInsert), Anew::Begun(head)) => head,
        _ if setup.numbers() => state.head(),
        _ => 0,
    };
    state.rows[usize::from(CLIENT)] = Row { present: true, mark };
    state.anew = Anew::Done;
}
