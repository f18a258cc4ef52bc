//! Steps of a node's memory: following, caching, leases, restarts, and the passing of time.

use crate::issuing::read_client;
use crate::setup::{Flaw, Setup};
use crate::state::{CLIENT, Follow, Node, State, TOKENS, Token, bit};
use crate::verify::may_cache;

/// The follower asks. What wakes it is not modelled: it may ask at any time, or not at all.
pub(crate) fn ask(setup: &Setup, state: &mut State, id: u8) {
    if setup.joined && setup.may(setup.leases, id) {
        renew(setup, state, id);
        report(setup, state, id);
    }
    let applied = state.node(id).applied;
    let stuck = setup.has(Flaw::FollowsAReplica);
    let news =
        state.ordered().filter(|(_, ending)| ending.published && ending.number > applied && !stuck);
    let (events, upto) = news.fold((0, applied), |(events, upto), (seq, ending)| {
        (events | bit(seq), upto.max(ending.number))
    });
    let node = state.node_mut(id);
    let covered = node.lease > 0;
    node.follow = Some(Follow { events, upto, age: 0, half: false, covered });
}

/// The answer is taken in, in two steps: registry and cache first, `applied` and the view after.
pub(crate) fn take_in(setup: &Setup, state: &mut State, id: u8) {
    let Some(follow) = state.node(id).follow else {
        return;
    };
    let wrong = setup.has(Flaw::AppliedBeforeTheRegistry);
    if follow.half == wrong {
        into_registry(setup, state, id, follow);
    } else {
        into_view(setup, state, id, follow);
    }
    state.node_mut(id).follow = (!follow.half).then_some(Follow { half: true, ..follow });
    // The step between matters only to issuing from memory, which reads both.
    if !follow.half && !setup.memory() {
        take_in(setup, state, id);
    }
}

fn into_registry(setup: &Setup, state: &mut State, id: u8, follow: Follow) {
    let events = follow.events;
    let news = events & !state.node(id).known;
    let client = state
        .ordered()
        .any(|(seq, ending)| news & bit(seq) != 0 && ending.target.subject() == Some(CLIENT));
    let node = state.node_mut(id);
    if setup.has(Flaw::FollowReplaces) && node.applied == 0 {
        node.known = 0;
    }
    node.known |= events;
    if client {
        node.cache = None;
    }
}

fn into_view(setup: &Setup, state: &mut State, id: u8, follow: Follow) {
    let head = state.head();
    let node = state.node_mut(id);
    let upto = if setup.has(Flaw::HeadAfterTheEvents) { head } else { follow.upto };
    node.applied = node.applied.max(upto);
    node.view = Some(follow.age);
    node.covered = follow.covered;
}

/// The node reads the client's row for its cache.
pub(crate) fn read_for_cache(state: &mut State, id: u8) {
    state.node_mut(id).fill = read_client(state);
}

/// The row that was read gets into the cache.
pub(crate) fn fill_cache(setup: &Setup, state: &mut State, id: u8) {
    let Some(entry) = state.node_mut(id).fill.take() else {
        return;
    };
    if may_cache(setup, state, id, entry) {
        state.node_mut(id).cache = Some(entry);
    }
}

/// The node writes its number. By itself that makes it stand on the list again; in the variant
/// where the question does that, the number alone does not.
pub(crate) fn write_line(setup: &Setup, state: &mut State, id: u8) {
    if !setup.joined {
        renew(setup, state, id);
    }
    report(setup, state, id);
}

/// The node stands on the list again.
pub(crate) fn renew(setup: &Setup, state: &mut State, id: u8) {
    let lease = if setup.numbers() { setup.lease } else { 0 };
    let node = state.node_mut(id);
    if node.lease == 0 {
        // It was off the list: what it asked before does not count under the new lease.
        node.covered = false;
        if let Some(follow) = node.follow.as_mut() {
            follow.covered = false;
        }
    }
    node.lease = lease;
    state.lines[usize::from(id)].left = lease;
}

/// The node says how far it has applied.
fn report(setup: &Setup, state: &mut State, id: u8) {
    let beat = if setup.numbers() { 0 } else { setup.clock(state, id) };
    let seq = state.node(id).applied;
    let line = &mut state.lines[usize::from(id)];
    line.seq = seq;
    line.beat = beat;
}

/// Whether "effective everywhere" may be said of a number, asked of one node's page.
pub(crate) fn may_say(setup: &Setup, state: &State, page: u8, seq: u8) -> bool {
    setup.ids().filter(|id| setup.may(setup.leases, *id)).all(|id| {
        let line = state.lines[usize::from(id)];
        let listed = match setup.numbers() {
            true => line.left > 0,
            false => setup.clock(state, page) < line.beat + setup.lease,
        };
        !listed || line.seq >= seq
    })
}

/// The node starts again: all that was in its memory is gone.
pub(crate) fn restart(state: &mut State, id: u8) {
    let cut = state.node(id).cut;
    *state.node_mut(id) = Node { cut, ..blank() };
    state.issue = state.issue.filter(|issue| issue.node != id);
    state.look = state.look.filter(|look| look.node != id);
}

/// A node that has just started.
pub(crate) fn blank() -> Node {
    Node {
        view: None,
        cut: false,
        known: 0,
        applied: 0,
        cache: None,
        fill: None,
        follow: None,
        work: None,
        lease: 0,
        covered: false,
    }
}

/// A tick of real time passes; one node's clock may have stopped.
pub(crate) fn tick(setup: &Setup, state: &mut State, stopped: Option<u8>) {
    state.now += u8::from(!setup.numbers());
    for id in setup.ids().filter(|id| stopped != Some(*id)) {
        age_node(setup, state.node_mut(id));
    }
    for line in &mut state.lines {
        line.left = line.left.saturating_sub(1);
    }
    for ending in state.endings.iter_mut().flatten() {
        if ending.answered.is_some() {
            ending.since = (ending.since + 1).min(setup.bound);
        }
        ending.age = (ending.age + 1).min(setup.oldest());
    }
    expire_tokens(setup, state);
}

fn age_node(setup: &Setup, node: &mut Node) {
    node.view = node.view.map(|age| (age + 1).min(setup.bound));
    node.lease = node.lease.saturating_sub(1);
    if let Some(follow) = node.follow.as_mut()
        && !setup.has(Flaw::ViewFromTheAnswer)
    {
        follow.age = (follow.age + 1).min(setup.bound);
    }
}

/// Tokens that every clock sees expired leave room for others.
fn expire_tokens(setup: &Setup, state: &mut State) {
    if setup.lifetime == 0 {
        return;
    }
    let kept = state.tokens.map(|token| {
        let token = token?;
        (token.left > 1).then_some(Token { left: token.left - 1, ..token })
    });
    state.tokens = [None; TOKENS];
    for (place, token) in state.tokens.iter_mut().zip(kept.into_iter().flatten()) {
        *place = Some(token);
    }
}
