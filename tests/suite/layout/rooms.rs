//! Who may import whom.

use super::{
    Violation,
    house::{House, written},
    rules::{FLOORS, NARROWER, NEVER},
};

pub(super) const RULE: &str = "rooms";

/// Everything that is imported upward or sideways, or is forbidden by name.
pub(super) fn check(house: &House) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in &house.files {
        let own = room(&file.module);
        if floor(own).is_none() {
            found.push(violation(&file.name, 1, own, format!("{own} is on no floor: give it one")));
            continue;
        }
        for mention in &file.mentions {
            for target in house.modules(mention) {
                if let Some(why) = forbidden(&file.module, &target) {
                    let subject = subject(&file.module, &target);
                    found.push(violation(&file.name, mention.line, &subject, why));
                }
            }
        }
    }
    found
}

fn violation(file: &str, line: usize, subject: &str, message: String) -> Violation {
    Violation { file: file.to_owned(), line, rule: RULE, subject: subject.to_owned(), message }
}

/// The first part of a module; the root of the crate is `lib`.
fn room(module: &[String]) -> &str {
    module.first().map_or("lib", String::as_str)
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// What `from` may not import is named as finely as the rule that forbids it.
fn subject(from: &[String], to: &[String]) -> String {
    never(from, to).map_or_else(|| room(to).to_owned(), |(_, to)| to.to_owned())
}

fn never(from: &[String], to: &[String]) -> Option<(&'static str, &'static str)> {
    let within = |module: &[String], of: &str| {
        format!("{}::", written(module)).starts_with(&format!("{of}::"))
    };
    NEVER.iter().copied().find(|(forbidden, target)| within(from, forbidden) && within(to, target))
}

fn forbidden(from: &[String], to: &[String]) -> Option<String> {
    if let Some((from, to)) = never(from, to) {
        return Some(format!("{from} never imports {to}"));
    }
    let (own, other) = (room(from), room(to));
    if own == other {
        return None;
    }
    let (Some(above), Some(below)) = (floor(own), floor(other)) else {
        return Some(format!("{other} is on no floor: give it one"));
    };
    if below <= above {
        return Some(format!("{other} is above or beside {own}"));
    }
    let narrower = NARROWER.iter().find(|(room, _)| *room == own);
    let fine = narrower.is_none_or(|(_, rooms)| rooms.contains(&other));
    (!fine).then(|| format!("{own} may not import {other}, though it is below"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_found(files: &[(&str, &str)], expected: &[&str]) {
        let found = check(&House::of(files.iter().copied()));
        assert_eq!(found.iter().map(Violation::to_string).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn upward_and_sideways_imports_are_found() {
        let rooms = [("web/mod.rs", ""), ("views/mod.rs", ""), ("domain.rs", "")];
        let with = |name, text| [&rooms[..], &[(name, text)]].concat();
        assert_found(&with("oauth/x.rs", "//! x\nuse crate::domain::Tenant;\n"), &[]);
        assert_found(
            &with("oauth/x.rs", "//! x\n\nuse crate::{\n    domain::Tenant,\n    web::Site,\n};\n"),
            &["src/oauth/x.rs:5: rooms: web is above or beside oauth [web]"],
        );
        assert_found(
            &with("oauth/x.rs", "//! x\nfn f() {\n    super::super::views::show()\n}\n"),
            &["src/oauth/x.rs:3: rooms: views is above or beside oauth [views]"],
        );
        assert_found(
            &with("attic/x.rs", "//! x\n"),
            &["src/attic/x.rs:1: rooms: attic is on no floor: give it one [attic]"],
        );
    }

    #[test]
    fn what_is_forbidden_by_name_is_found_however_it_is_named() {
        let storage = ("storage/mod.rs", "pub struct Unit;");
        assert_found(
            &[storage, ("web/x.rs", "//! x\nfn f(unit: crate::storage::Unit) {}\n")],
            &["src/web/x.rs:2: rooms: web never imports storage [storage]"],
        );
        assert_found(
            &[("admin/mod.rs", ""), ("oauth/x.rs", "//! x\nuse crate::admin::create;\n")],
            &["src/oauth/x.rs:2: rooms: oauth never imports admin [admin]"],
        );
        let hands_on = ("admin/mod.rs", "pub use crate::storage::Unit;");
        assert_found(
            &[storage, hands_on, ("cli/x.rs", "//! x\nuse crate::admin::Unit;\n")],
            &["src/cli/x.rs:2: rooms: cli never imports storage [storage]"],
        );
        assert_found(
            &[
                ("web/api/mod.rs", ""),
                ("web/console/x.rs", "//! x\nuse super::super::api::show;\n"),
            ],
            &["src/web/console/x.rs:2: rooms: web::console never imports web::api [web::api]"],
        );
    }

    #[test]
    fn a_room_with_a_table_of_its_own_keeps_to_it() {
        assert_found(
            &[("keys.rs", ""), ("views/x.rs", "//! x\nuse crate::keys::Keystore;\n")],
            &["src/views/x.rs:2: rooms: views may not import keys, though it is below [keys]"],
        );
    }
}
