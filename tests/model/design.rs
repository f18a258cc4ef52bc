//! The design, by numbers: the sentence holds in every state that can be reached.

use crate::check::{fails, holds, large, never};
use crate::model::{AFTER, ASKS, CUT_REFUSES, EVERYWHERE, REFUSES, SAID, TOO_MUCH, WITHIN};
use crate::setup::{Flaw, Rule, Setup};
use crate::state::{CLIENT, How, Target, USER};

/// The first node ends; the second does everything, may be cut off and may restart.
const NUMBERS: Setup =
    Setup { enders: 0b01, issuers: 0b10, cuts: 0b10, restarts: 0b10, ..Setup::new(Rule::Numbers) };

/// A user's sessions, ended together or by identifier.
fn sessions() -> Setup {
    Setup {
        ends: &[Target::Logout(USER), Target::Session(0)],
        issues: &[How::SignIn(USER), How::Redeem(0), How::Refresh(0)],
        sessions: 2,
        ..NUMBERS
    }
}

/// A client that is served from memory or by the database, ended, deleted and made anew.
fn client() -> Setup {
    Setup {
        ends: &[Target::Logout(CLIENT), Target::Delete(CLIENT)],
        issues: &[How::Memory, How::Direct],
        ..NUMBERS
    }
}

/// A client's token is out; the second node is on the list.
fn listed() -> Setup {
    Setup { out: Some(CLIENT), ends: &[Target::Logout(CLIENT)], leases: 0b10, ..NUMBERS }
}

/// Everything at one node, while another (whose own memory does not matter then) may end too.
fn everything() -> Setup {
    Setup { enders: 0b11, followers: 0b10, leases: 0b10, anew: true, ..client() }
}

#[test]
fn no_token_outlives_its_ending_by_numbers() {
    let small =
        Setup { ends: &[Target::Delete(CLIENT)], issues: &[How::Memory], cuts: 0, ..everything() };
    holds("everything", small, 50_000, &[REFUSES, AFTER, WITHIN, ASKS, SAID]);
    if large() {
        let full = Setup {
            ends: &[
                Target::Logout(CLIENT),
                Target::Delete(CLIENT),
                Target::Logout(USER),
                Target::Session(0),
            ],
            issues: &[
                How::Memory,
                How::Direct,
                How::SignIn(USER),
                How::SignIn(CLIENT),
                How::Refresh(0),
            ],
            ..everything()
        };
        let seen = &[REFUSES, AFTER, CUT_REFUSES, WITHIN, ASKS, SAID];
        holds("everything, large", full, 10_000_000, seen);
    }
}

#[test]
fn sessions_die_with_the_commit() {
    let seen = &[REFUSES, AFTER, WITHIN, ASKS];
    let small = Setup { followers: 0b10, cuts: 0, ..sessions() };
    holds("sessions", small, 15_000, seen);
    if large() {
        holds("sessions, cut off", sessions(), 200_000, seen);
        let nodes = Setup {
            nodes: 3,
            issuers: 0b111,
            cuts: 0b110,
            restarts: 0b110,
            followers: 0b110,
            ..sessions()
        };
        holds("sessions, three nodes", nodes, 500_000, seen);
        let endings = Setup {
            endings: 3,
            sessions: 1,
            issues: &[How::SignIn(USER), How::Refresh(0)],
            enders: 0b11,
            followers: 0b10,
            cuts: 0,
            ..sessions()
        };
        holds("sessions, three endings", endings, 1_000_000, seen);
        let tokens = Setup { endings: 2, tokens: 2, followers: 0b10, cuts: 0, ..sessions() };
        holds("sessions, two endings, two tokens", tokens, 100_000, seen);
    }
}

#[test]
fn a_client_in_memory_dies_in_time() {
    let small = Setup { issues: &[How::Memory], anew: true, restarts: 0, cuts: 0, ..client() };
    holds("client", small, 50_000, &[REFUSES, AFTER, WITHIN, ASKS, TOO_MUCH]);
    if large() {
        let seen = &[REFUSES, AFTER, CUT_REFUSES, WITHIN, ASKS, TOO_MUCH];
        let both = Setup { issuers: 0b11, anew: true, ..client() };
        holds("client, two issuers", both, 2_000_000, seen);
        let two = Setup { endings: 2, enders: 0b11, followers: 0b10, anew: true, ..client() };
        holds("client, two endings", two, 1_000_000, seen);
    }
}

#[test]
fn everywhere_is_said_only_when_it_is_so() {
    holds("listed", listed(), 50_000, &[REFUSES, CUT_REFUSES, WITHIN, SAID]);
    if large() {
        let two = Setup { leases: 0b11, restarts: 0b11, ..listed() };
        holds("listed, both", two, 1_000_000, &[REFUSES, CUT_REFUSES, WITHIN, SAID]);
        let mask = 0b110;
        let three = Setup { nodes: 3, leases: mask, followers: mask, cuts: 0, ..listed() };
        holds("listed, three nodes", three, 200_000, &[REFUSES, WITHIN, SAID]);
    }
}

#[test]
fn no_wrong_clock_revives_a_token_that_the_registry_forgot() {
    let small =
        Setup { lifetime: 3, cuts: 0, restarts: 0, ends: &[Target::Delete(CLIENT)], ..client() };
    let seen = &[REFUSES, WITHIN, ASKS];
    holds("expiring", small.clone(), 50_000, seen);
    if large() {
        for behind in [[2, 0, 0], [0, 2, 0]] {
            let slow = Setup { behind, anew: true, restarts: 0b10, ..small.clone() };
            holds("expiring, a slow clock", slow, 500_000, seen);
        }
    }
}

#[test]
fn finer_ticks_change_nothing() {
    let (bound, lease, followers) = if large() { (4, 6, 0b11) } else { (3, 4, 0b10) };
    let fine = Setup { bound, lease, followers, cuts: 0, restarts: 0, ..listed() };
    holds("fine ticks, listed", fine, 5_000, &[REFUSES, WITHIN, SAID]);
    if large() {
        let fine = Setup { bound, lease, cuts: 0, restarts: 0, ..client() };
        holds("fine ticks, client", fine, 500_000, &[REFUSES, AFTER, WITHIN]);
    }
}

#[test]
fn a_question_that_writes_the_line_needs_no_other_lease() {
    // The simpler way to do it: then a good view (2 ticks) is always within the lease (3).
    let joined = Setup { joined: true, leases: 0b11, restarts: 0b11, ..listed() };
    let joined = joined.with(Flaw::LeaseIgnored);
    holds("joined", joined.clone(), 10_000, &[REFUSES, WITHIN, SAID]);
    // And it is the longer lease that does it.
    let short = Setup { lease: 1, ..joined };
    fails("joined, short lease", short, EVERYWHERE);
}

#[test]
fn nothing_is_issued_dead_if_issuing_looks_at_its_stamp() {
    let base = Setup { careful: true, followers: 0b10, cuts: 0, restarts: 0, ..client() };
    let careful = Setup { enders: 0b11, ..base };
    holds("careful", careful.clone(), 10_000, &[REFUSES, AFTER, WITHIN]);
    never("careful", careful, &[TOO_MUCH]);
}
