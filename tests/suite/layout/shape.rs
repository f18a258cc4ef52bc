//! What a file looks like: it says what it is for, and is short; and migrations come in pairs.

use std::collections::BTreeSet;

use super::{Violation, house::House};

pub(super) const PURPOSE: &str = "purpose";
pub(super) const LENGTH: &str = "length";
const MIGRATIONS: &str = "migrations";

const MOST_LINES_OF_A_FILE: usize = 400;
const MOST_LINES_OF_A_FUNCTION: usize = 50;
/// How the head of what is longer begins a line.
const EXCUSE: &str = "Long because";

/// Every file that does not open with `//!`.
pub(super) fn check_purpose(house: &House) -> Vec<Violation> {
    let silent = house.files.iter().filter(|file| !file.text.starts_with("//!"));
    let violation = |file: &str| Violation {
        file: file.to_owned(),
        line: 1,
        rule: PURPOSE,
        subject: file.to_owned(),
        message: "it does not open with //!".to_owned(),
    };
    silent.map(|file| violation(&file.name)).collect()
}

fn too_long(file: &str, line: usize, subject: &str, lines: usize, most: usize) -> Violation {
    Violation {
        file: file.to_owned(),
        line,
        rule: LENGTH,
        subject: subject.to_owned(),
        message: format!("{lines} lines, {most} at most, or a line of its head begins `{EXCUSE}`"),
    }
}

/// Every long file whose head does not say why.
pub(super) fn check_file_length(house: &House) -> Vec<Violation> {
    let long = house.files.iter().filter_map(|file| {
        let lines = file.text.lines().count();
        let head = file.text.lines().map_while(|line| line.strip_prefix("//!"));
        (lines > MOST_LINES_OF_A_FILE && !excused(head))
            .then(|| too_long(&file.name, 1, &file.name, lines, MOST_LINES_OF_A_FILE))
    });
    long.collect()
}

/// Every long function whose head does not say why.
pub(super) fn check_function_length(house: &House) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in &house.files {
        let long = file.functions.iter().filter(|it| it.lines > MOST_LINES_OF_A_FUNCTION);
        let long = long.filter(|it| !excused(it.doc.iter().map(String::as_str)));
        found.extend(
            long.map(|it| {
                too_long(&file.name, it.line, &it.name, it.lines, MOST_LINES_OF_A_FUNCTION)
            }),
        );
    }
    found
}

fn excused<'a>(mut head: impl Iterator<Item = &'a str>) -> bool {
    head.any(|line| line.trim_start().starts_with(EXCUSE))
}

/// The migrations that one database has and the other has not.
pub(super) fn check_migrations(sqlite: &[String], postgres: &[String]) -> Vec<String> {
    let (sqlite, postgres): (BTreeSet<_>, BTreeSet<_>) =
        (sqlite.iter().collect(), postgres.iter().collect());
    let lacks = |database: &'static str| {
        move |name: &&String| {
            format!(
                "migrations/{database}/{name}:1: {MIGRATIONS}: the other database's has no pair here"
            )
        }
    };
    let mut left: Vec<String> = sqlite.difference(&postgres).map(lacks("postgres")).collect();
    left.extend(postgres.difference(&sqlite).map(lacks("sqlite")));
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(text: &str) -> Vec<String> {
        let house = House::of([("x.rs", text)]);
        let found = [check_file_length(&house), check_function_length(&house)].concat();
        found.iter().map(Violation::to_string).collect()
    }

    #[test]
    fn a_file_that_does_not_say_what_it_is_for_is_found() {
        let found = check_purpose(&House::of([("x.rs", "use std::fmt;\n"), ("y.rs", "//! y\n")]));
        let found: Vec<String> = found.iter().map(Violation::to_string).collect();
        assert_eq!(found, ["src/x.rs:1: purpose: it does not open with //! [x.rs]"]);
    }

    #[test]
    fn a_long_file_is_found_unless_its_head_says_why() {
        let body = "// x\n".repeat(399);
        let found = long(&format!("//! x\n\n{body}"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("src/x.rs:1: length: 401 lines, 400 at most"), "{found:?}");
        assert_eq!(long(&format!("//! x\n{body}")), Vec::<String>::new());
        assert_eq!(
            long(&format!("//! x\n//!\n//! Long because it is a list.\n{body}")),
            Vec::<String>::new()
        );
        // Not in its head.
        assert_eq!(long(&format!("//! x\n\n//! Long because\n{body}")).len(), 1);
    }

    #[test]
    fn a_long_function_is_found_unless_its_doc_says_why() {
        let body = "    g();\n".repeat(49);
        for (before, after) in
            [("", ""), ("impl X {\n", "}\n"), ("trait X {\n", "}\n"), ("mod x {\n", "}\n")]
        {
            let line = 3 + before.lines().count();
            let text = |doc: &str| format!("//! x\n{before}\n{doc}fn f() {{\n{body}}}\n{after}");
            let found = long(&text(""));
            assert_eq!(found.len(), 1, "{before} {found:?}");
            assert!(
                found[0].starts_with(&format!("src/x.rs:{line}: length: 51 lines, 50 at most")),
                "{found:?}"
            );
            assert!(found[0].ends_with("[f]"), "{found:?}");
            assert_eq!(
                long(&text("/// It.\n///\n/// Long because it is a list.\n")),
                Vec::<String>::new()
            );
        }
        assert_eq!(
            long(&format!("//! x\nfn f() {{\n{}}}\n", "    g();\n".repeat(48))),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_migration_without_its_pair_is_found() {
        let names =
            |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let left = check_migrations(&names(&["1_a", "2_b"]), &names(&["1_a", "3_c"]));
        assert_eq!(left.len(), 2, "{left:?}");
        assert!(left[0].starts_with("migrations/postgres/2_b:1: migrations:"), "{left:?}");
        assert!(left[1].starts_with("migrations/sqlite/3_c:1: migrations:"), "{left:?}");
    }
}
