//! Running the checker, and what a test asks of a run.

use std::collections::BTreeSet;
use std::time::Instant;

use stateright::{Checker, HasDiscoveries, Model};

use crate::model::{Act, BARREN, EVERYWHERE, REFUSED};
use crate::setup::{Flaw, Setup};

/// Names of properties.
type Sights = &'static [&'static str];

/// Whether the large size is asked for (`PORTCULLIS_MODEL=large`).
pub(crate) fn large() -> bool {
    std::env::var("PORTCULLIS_MODEL").is_ok_and(|size| size == "large")
}

/// Looks at every state that can be reached. What has to hold must hold, there must be more than
/// `least` states, and everything in `seen` must have come about in some state, so that the run
/// did not hold for want of anything happening.
pub(crate) fn holds(name: &str, setup: Setup, least: usize, seen: Sights) {
    let start = Instant::now();
    let run = Setup { sights: seen, ..setup }.checker().spawn_bfs().join();
    let (states, depth) = (run.unique_state_count(), run.max_depth());
    println!("{name}: {states} states, depth {depth}, {:?}", start.elapsed());
    let found = run.discoveries();
    for rule in [REFUSED, BARREN, EVERYWHERE] {
        if let Some(path) = found.get(rule) {
            let acts = path.clone().into_actions();
            panic!("{name}: not true that {rule}: {acts:?}");
        }
    }
    for wanted in seen {
        assert!(found.contains_key(wanted), "{name}: never seen: {wanted}");
    }
    assert!(states > least, "{name}: only {states} states");
}

/// Looks for a run after which `rule` does not hold, and gives its steps.
pub(crate) fn fails(name: &str, setup: Setup, rule: &'static str) -> Vec<Act> {
    let start = Instant::now();
    let wanted = HasDiscoveries::AnyOf(BTreeSet::from([rule]));
    let run = setup.checker().finish_when(wanted).spawn_bfs().join();
    let states = run.unique_state_count();
    let Some(path) = run.discovery(rule) else {
        panic!("{name}: it holds that {rule}, in all {states} states");
    };
    let acts = path.into_actions();
    println!("{name}: lost after {} steps, {states} states, {:?}", acts.len(), start.elapsed());
    println!("    {acts:?}");
    acts
}

/// Looks at every state: what is named is never broken, or never seen, whatever else is.
pub(crate) fn never(name: &str, setup: Setup, named: Sights) {
    let run = Setup { sights: named, ..setup }.checker().spawn_bfs().join();
    println!("{name}: {} states", run.unique_state_count());
    for name in named {
        assert!(run.discovery(name).is_none(), "found: {name}");
    }
}

/// With the flaw `rule` is broken; without it everything holds in the very same configuration.
pub(crate) fn breaks(flaw: Flaw, setup: Setup, rule: &'static str) {
    let name = format!("{flaw:?}");
    fails(&name, setup.clone().with(flaw), rule);
    holds(&format!("without {name}"), setup, 100, &[]);
}
