//! What is right, told without stamps, marks and registries: from the order of the commits and
//! of the moments at which facts were read, which only the checker sees.

use crate::setup::Setup;
use crate::state::{Ending, Session, State, Target, Token};
use crate::verify::{Verdict, from_memory, session_lives, verdict};

/// Whether an ending speaks of a thing: a fact that the thing rests on was read before the
/// ending was committed, or the thing hangs on the session that was ended.
fn speaks_of(
    state: &State,
    (seq, ending): (u8, &Ending),
    (subject, truth): (u8, u8),
    session: Option<u8>,
) -> bool {
    match ending.target {
        Target::Session(ended) => session.is_some_and(|id| state.hangs_on(id, ended)),
        Target::Logout(target) | Target::Delete(target) => target == subject && truth < seq,
    }
}

pub(crate) fn ends_token(state: &State, ending: (u8, &Ending), token: &Token) -> bool {
    speaks_of(state, ending, (token.subject, token.truth), token.session)
}

pub(crate) fn ends_session(state: &State, ending: (u8, &Ending), id: u8, row: &Session) -> bool {
    speaks_of(state, ending, (row.subject, row.truth), Some(id))
}

/// Whether a node has to refuse a token, because of an ending that has been answered.
pub(crate) fn due(setup: &Setup, state: &State, node: u8, token: &Token) -> bool {
    let ends =
        |(seq, ending)| obliged(setup, ending, node) && ends_token(state, (seq, ending), token);
    state.ordered().any(ends)
}

/// Whether a node has to refuse what an ending speaks of: it gave the answer, or the bound has
/// passed since.
pub(crate) fn obliged(setup: &Setup, ending: &Ending, node: u8) -> bool {
    ending.answered.is_some_and(|by| by == node || ending.since >= setup.bound)
}

/// Every node and token with the node's answer.
fn answers<'a>(
    setup: &'a Setup,
    state: &'a State,
) -> impl Iterator<Item = (u8, &'a Token, Verdict)> {
    setup.ids().flat_map(move |id| {
        state
            .tokens
            .iter()
            .flatten()
            .map(move |token| (id, token, verdict(setup, state, id, token)))
    })
}

/// The sentence, first part: what was born before an ending that has been answered is accepted
/// neither at the node that answered nor, once the bound has passed, anywhere.
pub(crate) fn ended_is_refused(setup: &Setup, state: &State) -> bool {
    let accepted = |(id, token, verdict): (u8, &Token, Verdict)| {
        verdict == Verdict::Accepted && due(setup, state, id, token)
    };
    !state.slipped && !answers(setup, state).any(accepted)
}

/// The sentence, second part: nothing is made from it, and no session row of it can be used.
pub(crate) fn ended_is_barren(setup: &Setup, state: &State) -> bool {
    let ended = |id: u8, row: &Session| {
        state.ordered().any(|(seq, ending)| {
            ending.answered.is_some() && ends_session(state, (seq, ending), id, row)
        })
    };
    let used = |(id, row): (u8, &Session)| session_lives(setup, state, row) && ended(id, row);
    !state.spoilt && !(0..).zip(state.sessions.iter().flatten()).any(used)
}

/// When "effective everywhere" has been said, no node accepts what the ending speaks of.
pub(crate) fn everywhere_is_everywhere(setup: &Setup, state: &State) -> bool {
    let said = |token: &Token| {
        state.ordered().any(|(seq, ending)| ending.said && ends_token(state, (seq, ending), token))
    };
    let accepted =
        |(_, token, verdict): (u8, &Token, Verdict)| verdict == Verdict::Accepted && said(token);
    !answers(setup, state).any(accepted)
}

/// Whether some ending, answered or not, speaks of a token.
fn is_ended(state: &State, token: &Token) -> bool {
    state.ordered().any(|ending| ends_token(state, ending, token))
}

/// A token of a subject that was ended before it, so that it is rightly good.
fn born_after(state: &State, token: &Token) -> bool {
    let before = |(seq, ending): (u8, &Ending)| {
        ending.answered.is_some()
            && ending.target.subject() == Some(token.subject)
            && token.truth >= seq
    };
    state.ordered().any(before) && !is_ended(state, token)
}

pub(crate) fn refuses_an_ended_token(setup: &Setup, state: &State) -> bool {
    answers(setup, state).any(|(id, token, verdict)| {
        verdict == Verdict::Refused && from_memory(setup, state, id) && is_ended(state, token)
    })
}

pub(crate) fn accepts_what_was_born_after(setup: &Setup, state: &State) -> bool {
    answers(setup, state)
        .any(|(_, token, verdict)| verdict == Verdict::Accepted && born_after(state, token))
}

pub(crate) fn cut_node_refuses(setup: &Setup, state: &State) -> bool {
    answers(setup, state).any(|(id, _, verdict)| {
        let node = state.node(id);
        verdict == Verdict::Unknown && node.cut && node.view.is_some()
    })
}

/// The bound is needed: within it another node does accept what is ended.
pub(crate) fn accepted_within_the_bound(setup: &Setup, state: &State) -> bool {
    let answered = |token: &Token| {
        state.ordered().any(|(seq, ending)| {
            ending.answered.is_some() && ends_token(state, (seq, ending), token)
        })
    };
    answers(setup, state).any(|(_, token, verdict)| verdict == Verdict::Accepted && answered(token))
}

pub(crate) fn asks_the_database(setup: &Setup, state: &State) -> bool {
    answers(setup, state)
        .any(|(id, _, verdict)| verdict == Verdict::Accepted && !from_memory(setup, state, id))
}

/// The price: a token that nothing has ended is refused, because its stamp is older than it is.
pub(crate) fn refuses_too_much(setup: &Setup, state: &State) -> bool {
    setup.lifetime == 0
        && answers(setup, state)
            .any(|(_, token, verdict)| verdict == Verdict::Refused && !is_ended(state, token))
}

pub(crate) fn everywhere_is_said(_: &Setup, state: &State) -> bool {
    state.ordered().any(|(_, ending)| ending.said)
}
