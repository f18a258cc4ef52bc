//! One thing done wrong at a time: the checker has to find each, or it proves nothing.

use crate::check::{breaks, fails, holds, never};
use crate::model::{BARREN, EVERYWHERE, REFUSED};
use crate::setup::{Flaw, Rule, Setup};
use crate::state::{CLIENT, How, Target, USER};

const NUMBERS: Setup = Setup::new(Rule::Numbers);

/// A user's sessions at one node or two; the first node ends.
fn sessions(nodes: u8) -> Setup {
    Setup {
        nodes,
        ends: &[Target::Logout(USER)],
        issues: &[How::SignIn(USER), How::Refresh(0)],
        enders: 0b01,
        ..NUMBERS
    }
}

/// A client that the second node serves from memory while the first deletes it.
fn served_from_memory() -> Setup {
    Setup {
        ends: &[Target::Delete(CLIENT)],
        issues: &[How::Memory],
        enders: 0b01,
        issuers: 0b10,
        ..NUMBERS
    }
}

/// A client that is deleted and made anew.
fn made_anew() -> Setup {
    Setup {
        nodes: 1,
        ends: &[Target::Delete(CLIENT)],
        issues: &[How::SignIn(CLIENT), How::Refresh(0)],
        anew: true,
        ..NUMBERS
    }
}

/// Both nodes are on the list and a token is out. The first does not follow: its view is stale
/// before its lease ends, so what goes wrong goes wrong at the second.
fn listed() -> Setup {
    Setup { out: Some(CLIENT), leases: 0b11, followers: 0b10, issues: &[], ..served_from_memory() }
}

/// Tokens that expire.
fn expiring() -> Setup {
    Setup { lifetime: 3, ..served_from_memory() }
}

/// A token of a session is out; the session and something else are ended, by either node.
fn two_endings() -> Setup {
    Setup {
        endings: 2,
        out: Some(USER),
        ends: &[Target::Session(0), Target::Logout(CLIENT)],
        followers: 0b10,
        ..NUMBERS
    }
}

#[test]
fn born_is_read_before_the_facts() {
    breaks(Flaw::BornAfterTheFacts, sessions(1), REFUSED);
}

#[test]
fn the_registry_comes_before_applied() {
    breaks(Flaw::AppliedBeforeTheRegistry, served_from_memory(), REFUSED);
}

#[test]
fn the_number_comes_with_the_commit() {
    breaks(Flaw::NumberAfterTheCommit, sessions(1), REFUSED);
}

#[test]
fn memory_issues_under_a_good_view_only() {
    breaks(Flaw::MemoryWithoutAView, served_from_memory(), BARREN);
}

#[test]
fn a_view_is_as_old_as_its_question() {
    breaks(Flaw::ViewFromTheAnswer, sessions(2), REFUSED);
}

#[test]
fn a_client_made_anew_is_born_after_the_old_one() {
    breaks(Flaw::NewClientBornAtNought, made_anew(), BARREN);
}

#[test]
fn the_head_is_read_when_the_new_row_is_there() {
    breaks(Flaw::HeadBeforeTheInsert, made_anew(), BARREN);
}

#[test]
fn no_lease_no_answer_from_memory() {
    breaks(Flaw::LeaseIgnored, listed(), EVERYWHERE);
}

#[test]
fn the_lease_comes_before_the_question() {
    breaks(Flaw::ViewOlderThanTheLease, listed(), EVERYWHERE);
}

#[test]
fn a_row_read_before_an_ending_does_not_get_into_the_cache_after_it() {
    breaks(Flaw::FillUnchecked, served_from_memory(), REFUSED);
}

#[test]
fn what_the_registry_forgets_leaves_a_floor() {
    breaks(Flaw::ForgottenWithoutAFloor, expiring(), REFUSED);
    // Remembering longer helps too, as long as nobody mints later than the bound lets him. That
    // has to be longer by what a node may be late: a token can be minted after the ending.
    let longer = Setup { keep: 1, ..expiring() }.with(Flaw::ForgottenWithoutAFloor);
    holds("remembering longer", longer, 1_000, &[]);
}

#[test]
fn a_row_that_was_long_on_its_way_does_not_get_into_the_cache() {
    breaks(Flaw::FillWithoutAFloor, expiring(), REFUSED);
}

#[test]
fn an_own_ending_does_not_move_applied() {
    breaks(Flaw::OwnEndingMovesApplied, two_endings(), REFUSED);
}

#[test]
fn numbers_are_given_out_at_the_end() {
    breaks(Flaw::NumberAtTheBeginning, two_endings(), REFUSED);
}

#[test]
fn a_row_dies_with_the_row_that_it_was_made_from() {
    let setup = Setup {
        sessions: 2,
        ends: &[Target::Session(0)],
        issues: &[How::SignIn(USER), How::Redeem(0), How::Refresh(0)],
        ..sessions(1)
    };
    breaks(Flaw::ParentNotJoined, setup, BARREN);
}

#[test]
fn the_view_is_looked_at_before_the_registry() {
    let setup = Setup { out: Some(CLIENT), looks: true, issues: &[], ..served_from_memory() };
    breaks(Flaw::RegistryBeforeTheView, setup, REFUSED);
}

#[test]
fn the_registry_comes_before_the_answer() {
    breaks(Flaw::AnsweredBeforeTheRegistry, sessions(1), REFUSED);
}

#[test]
fn following_adds_to_the_registry() {
    breaks(Flaw::FollowReplaces, sessions(1), REFUSED);
}

#[test]
fn events_and_head_are_read_at_once() {
    breaks(Flaw::HeadAfterTheEvents, served_from_memory(), REFUSED);
}

#[test]
fn what_is_looked_up_in_memory_bears_the_number_of_the_memory() {
    breaks(Flaw::HeadWithCachedFacts, served_from_memory(), REFUSED);
}

#[test]
fn a_follower_asks_the_primary() {
    breaks(Flaw::FollowsAReplica, sessions(2), REFUSED);
}

#[test]
fn even_a_stale_issuer_makes_only_dead_tokens() {
    // The bound on issuing is not what keeps an ended token out: its number does.
    let setup = served_from_memory().with(Flaw::MemoryWithoutAView);
    never("stale issuer", setup, &[REFUSED]);
}

#[test]
fn a_clock_that_stops_is_not_survived() {
    // Not a flaw of the rules but their one assumption: a node notices that time passes.
    let setup = Setup { halts: 0b10, issuers: 0b01, ..sessions(2) };
    fails("a clock that stops", setup.clone(), REFUSED);
    holds("clocks that go", Setup { halts: 0, ..setup }, 100, &[]);
}
