//! The parts of a folder form no circle, at any depth.
//!
//! A part is a file or a folder right below; what a folder's own `mod.rs` holds is nobody's part.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Violation,
    house::{House, written},
    rules::Exception,
};

pub(super) const RULE: &str = "circles";

/// Which part names which, and where first.
type Graph = BTreeMap<(String, String), (String, usize)>;

/// What is left of the circles without the excepted imports, and the exceptions that nothing needs.
pub(super) fn check(house: &House, exceptions: &[Exception]) -> Vec<String> {
    let exceptions: Vec<_> = exceptions.iter().filter(|exception| exception.rule == RULE).collect();
    let mut left = Vec::new();
    let folders = house.folders();
    for folder in &folders {
        let graph = graph(house, folder);
        let name = written(folder);
        let own: Vec<_> = exceptions.iter().filter(|exception| exception.file == name).collect();
        let cut: BTreeSet<_> = own.iter().map(|exception| exception.subject).collect();
        let without = |cut: &BTreeSet<&str>| -> Graph {
            let kept =
                graph.iter().filter(|((from, to), _)| !cut.contains(arrow(from, to).as_str()));
            kept.map(|(edge, place)| (edge.clone(), place.clone())).collect()
        };
        left.extend(in_circles(&without(&cut)).into_iter().map(|((from, to), (file, line))| {
            let message = format!(
                "in {}, {from} and {to} name one another",
                if name.is_empty() { "src" } else { &name }
            );
            Violation { file, line, rule: RULE, subject: arrow(&from, &to), message }.to_string()
        }));
        // With it back in place, and the others kept, there must be a circle again.
        left.extend(cut.iter().filter_map(|one| {
            let others: BTreeSet<&str> = cut.iter().copied().filter(|other| other != one).collect();
            let stale = in_circles(&without(&others)).is_empty();
            stale.then(|| format!("{RULE}: nothing needs the exception for {name} [{one}]"))
        }));
    }
    let unknown = exceptions
        .iter()
        .filter(|exception| !folders.iter().any(|folder| written(folder) == exception.file));
    left.extend(unknown.map(|exception| format!("{RULE}: there is no folder {}", exception.file)));
    left
}

fn arrow(from: &str, to: &str) -> String {
    format!("{from} -> {to}")
}

fn graph(house: &House, folder: &[String]) -> Graph {
    let parts = house.parts(folder);
    let part = |module: &[String]| {
        let part = module.strip_prefix(folder).and_then(<[String]>::first);
        part.filter(|part| parts.contains(*part)).cloned()
    };
    let mut graph = Graph::new();
    for file in &house.files {
        let Some(from) = part(&file.module) else { continue };
        for mention in &file.mentions {
            for to in house
                .modules(mention)
                .iter()
                .filter_map(|module| part(module))
                .filter(|to| *to != from)
            {
                graph
                    .entry((from.clone(), to))
                    .or_insert_with(|| (file.name.clone(), mention.line));
            }
        }
    }
    graph
}

/// The imports that are part of a circle: from where they lead one comes back.
fn in_circles(graph: &Graph) -> Graph {
    let mut reached: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (from, _) in graph.keys() {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from.as_str()]);
        while let Some(at) = next.pop() {
            let onward = graph.keys().filter(|(from, _)| from == at).map(|(_, to)| to.as_str());
            next.extend(onward.filter(|to| seen.insert(*to)));
        }
        reached.insert(from, seen);
    }
    let back = |from: &str, to: &str| reached.get(to).is_some_and(|seen| seen.contains(from));
    graph
        .iter()
        .filter(|((from, to), _)| back(from, to))
        .map(|(edge, place)| (edge.clone(), place.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RING: &[(&str, &str)] = &[
        ("web/mod.rs", "mod a; mod b; mod c; pub use a::A;"),
        ("web/a.rs", "//! x\nuse super::b::B;\npub struct A;\n"),
        ("web/b/mod.rs", "//! x\nmod deep;\n"),
        ("web/b/deep.rs", "//! x\n\nfn f() {\n    crate::web::c::g()\n}\n"),
        ("web/c.rs", "//! x\nuse super::A;\n"),
    ];

    #[test]
    fn a_circle_is_found_through_folders_and_what_mod_hands_on() {
        assert_eq!(
            check(&House::of(RING.iter().copied()), &[]),
            [
                "src/web/a.rs:2: circles: in web, a and b name one another [a -> b]",
                "src/web/b/deep.rs:4: circles: in web, b and c name one another [b -> c]",
                "src/web/c.rs:2: circles: in web, c and a name one another [c -> a]",
            ]
        );
    }

    #[test]
    fn an_exception_cuts_a_circle_and_is_reported_once_there_is_none() {
        let exception = |subject| Exception { rule: RULE, file: "web", subject, why: "" };
        assert_eq!(
            check(&House::of(RING.iter().copied()), &[exception("c -> a")]),
            Vec::<String>::new()
        );
        let straight = House::of(RING.iter().copied().filter(|(name, _)| *name != "web/c.rs"));
        assert_eq!(
            check(&straight, &[exception("c -> a")]),
            ["circles: nothing needs the exception for web [c -> a]"]
        );
    }

    #[test]
    fn a_circle_deep_down_is_one_of_its_own_folder_alone() {
        let files = [
            ("oauth/grants/mod.rs", ""),
            ("oauth/grants/one.rs", "//! x\nuse super::two::Two;\n"),
            ("oauth/grants/two.rs", "//! x\nuse crate::oauth::grants::one;\n"),
        ];
        let left = check(&House::of(files), &[]);
        assert_eq!(left.len(), 2, "{left:?}");
        assert!(
            left[0].starts_with("src/oauth/grants/one.rs:2: circles: in oauth::grants"),
            "{left:?}"
        );
    }
}
