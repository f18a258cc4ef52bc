//! The old rule, by instants on the nodes' clocks: each fault that it was attacked with is found,
//! and the numbers stand in the very same configuration.

use crate::check::{fails, holds};
use crate::model::{Act, BARREN, EVERYWHERE, REFUSED, SAID};
use crate::setup::{Rule, Setup};
use crate::state::{CLIENT, How, Target};

/// A client is deleted at the first node; the tests say where and how it gets tokens.
fn deleted_client() -> Setup {
    Setup { ends: &[Target::Delete(CLIENT)], enders: 0b01, ..Setup::new(Rule::Instants) }
}

/// The same with the numbers.
fn numbers(setup: Setup) -> Setup {
    Setup { rule: Rule::Numbers, ..setup }
}

#[test]
fn instants_lose_to_minting_while_a_client_is_deleted() {
    let setup = Setup { nodes: 1, issues: &[How::Direct], ..deleted_client() };
    fails("instants, minting meanwhile", setup.clone(), REFUSED);
    holds("numbers, minting meanwhile", numbers(setup), 100, &[]);
}

#[test]
fn instants_lose_to_a_second_node() {
    let setup = Setup { issues: &[How::Memory], issuers: 0b10, ..deleted_client() };
    fails("instants, second node", setup.clone(), REFUSED);
    holds("numbers, second node", numbers(setup), 1_000, &[]);
}

#[test]
fn instants_lose_to_a_slow_clock() {
    // Nothing overlaps here: the token is out before the ending begins. Only the clock is wrong.
    let right = Setup { issues: &[How::Direct], issuers: 0b10, calm: true, ..deleted_client() };
    let slow = Setup { behind: [2, 0, 0], ..right.clone() };
    fails("instants, slow clock", slow.clone(), REFUSED);
    holds("instants, right clocks", right, 1_000, &[]);
    holds("numbers, slow clock", numbers(slow), 1_000, &[]);
}

#[test]
fn instants_lose_to_a_node_that_is_cut_off() {
    let setup = Setup {
        issues: &[How::Memory],
        issuers: 0b10,
        cuts: 0b10,
        issue_when_cut: true,
        ..deleted_client()
    };
    let acts = fails("instants, cut off", setup.clone(), BARREN);
    assert!(acts.contains(&Act::Cut(1)));
    holds("numbers, cut off", numbers(setup), 1_000, &[]);
}

#[test]
fn instants_say_everywhere_too_early() {
    // The second node's clock is behind, so the first takes it for gone and does not wait for it.
    let setup = Setup { out: Some(CLIENT), leases: 0b10, behind: [0, 3, 0], ..deleted_client() };
    fails("instants, everywhere", setup.clone(), EVERYWHERE);
    holds("numbers, everywhere", numbers(setup), 1_000, &[SAID]);
}
