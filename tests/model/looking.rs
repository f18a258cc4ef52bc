//! A request with a token, looked at in the two steps that a node really takes.

use crate::setup::{Flaw, Setup};
use crate::state::{Look, State};
use crate::truth::due;
use crate::verify::{database_ends, from_memory, registry_ends};

/// First step: is the view good? The flaw asks the registry first.
pub(crate) fn begin(setup: &Setup, state: &mut State, node: u8) {
    let Some(token) = state.tokens[0] else { return };
    let first = match setup.has(Flaw::RegistryBeforeTheView) {
        true => registry_ends(setup, state, node, &token),
        false => from_memory(setup, state, node),
    };
    let due = due(setup, state, node, &token);
    state.look = Some(Look { node, token, first, due });
}

/// Second step: what does the registry say, or, if the view was not good, the database?
pub(crate) fn end(setup: &Setup, state: &mut State) {
    let Some(Look { node, token, first, due }) = state.look.take() else {
        return;
    };
    let good = match setup.has(Flaw::RegistryBeforeTheView) {
        true => from_memory(setup, state, node),
        false => first,
    };
    let refused = match setup.has(Flaw::RegistryBeforeTheView) {
        true if good => first,
        false if good => registry_ends(setup, state, node, &token),
        _ => state.node(node).cut || database_ends(setup, state, &token),
    };
    state.slipped |= due && !refused;
}
