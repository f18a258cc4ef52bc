//! The house keeps its order. The rules are tables in `rules.rs`, beside what breaks them today.
//!
//! Each rule is broken once in a small source of its own, where it is written down: it is seen to
//! name itself, the file and the line.

mod circles;
mod house;
mod packages;
mod reading;
mod rooms;
mod rules;
mod shape;

use std::{fmt, fs, path::Path, sync::LazyLock};

use house::House;
use rules::{EXCEPTIONS, Exception};

/// Something that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    file: String,
    line: usize,
    rule: &'static str,
    /// What an exception names: the room, the package, the function, the part of a circle.
    subject: String,
    message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "src/{}:{}: {}: {} [{}]",
            self.file, self.line, self.rule, self.message, self.subject
        )
    }
}

/// What is left of `found` without the exceptions to `rule`, and the exceptions that nothing needs.
fn judge(rule: &str, found: Vec<Violation>, exceptions: &[Exception]) -> Vec<String> {
    let exceptions: Vec<_> = exceptions.iter().filter(|exception| exception.rule == rule).collect();
    let stale = exceptions
        .iter()
        .filter(|exception| !found.iter().any(|violation| exception.covers(violation)))
        .map(|exception| {
            format!(
                "{rule}: nothing needs the exception for {} [{}]",
                exception.file, exception.subject
            )
        });
    let stale: Vec<String> = stale.collect();
    let mut left: Vec<_> = found
        .into_iter()
        .filter(|violation| !exceptions.iter().any(|exception| exception.covers(violation)))
        .collect();
    left.sort();
    // The first place of each is enough to find the others.
    left.dedup_by(|next, first| (&next.file, &next.subject) == (&first.file, &first.subject));
    left.iter().map(Violation::to_string).chain(stale).collect()
}

fn assert_kept(rule: &str, found: Vec<Violation>) {
    let left = judge(rule, found, EXCEPTIONS);
    assert!(left.is_empty(), "\n{}\n", left.join("\n"));
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust files below a folder of the repository, named as below it.
fn files_below(folder: &str) -> Vec<(String, String)> {
    fn collect(at: &Path, base: &Path, out: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, base, out);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(base).unwrap().display().to_string();
                out.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let (base, mut files) = (root().join(folder), Vec::new());
    collect(&base, &base, &mut files);
    files
}

/// The sources as they are, read once.
static HOUSE: LazyLock<House> = LazyLock::new(|| {
    let files = files_below("src");
    assert!(files.len() > 80, "the sources were found");
    House::of(files)
});

#[test]
fn no_room_imports_one_above_or_beside_it() {
    assert_kept(rooms::RULE, rooms::check(&HOUSE));
}

#[test]
fn the_parts_of_no_folder_form_a_circle() {
    let left = circles::check(&HOUSE, EXCEPTIONS);
    assert!(left.is_empty(), "\n{}\n", left.join("\n"));
}

#[test]
fn each_package_stays_in_its_room() {
    assert_kept(packages::RULE, packages::check(&HOUSE));
}

#[test]
fn the_master_key_is_named_where_keys_are_kept() {
    assert_kept(packages::MASTER_KEY, packages::check_master_key(&HOUSE));
}

#[test]
fn every_file_says_what_it_is_for() {
    assert_kept(shape::PURPOSE, shape::check_purpose(&HOUSE));
}

#[test]
fn files_and_functions_are_short_or_say_why_not() {
    let found = [shape::check_file_length(&HOUSE), shape::check_function_length(&HOUSE)];
    assert_kept(shape::LENGTH, found.concat());
}

#[test]
fn files_of_tests_and_benches_are_short_or_say_why_not() {
    for folder in ["tests", "benches", "fuzz/src", "fuzz/targets"] {
        let files = files_below(folder);
        assert!(!files.is_empty(), "{folder} was found");
        let found = shape::check_file_length(&House::of(files));
        let long: Vec<_> = found.iter().map(|it| (&it.file, &it.message)).collect();
        assert!(long.is_empty(), "in {folder}: {long:?}");
    }
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |database: &str| -> Vec<String> {
        let entries = fs::read_dir(root().join("migrations").join(database)).unwrap();
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    };
    let left = shape::check_migrations(&names("sqlite"), &names("postgres"));
    assert!(left.is_empty(), "\n{}\n", left.join("\n"));
}

#[test]
fn an_exception_covers_its_own_file_and_subject_and_is_reported_once_nothing_needs_it() {
    let found = rooms::check(&House::of([
        ("oauth/mod.rs", "//! x\nuse crate::web::Site;\n"),
        ("web/mod.rs", ""),
    ]));
    let exception = |file, subject| Exception { rule: rooms::RULE, file, subject, why: "" };
    assert_eq!(
        judge(rooms::RULE, found.clone(), &[exception("oauth/mod.rs", "web")]),
        Vec::<String>::new()
    );
    let left = judge(rooms::RULE, found, &[exception("oauth/mod.rs", "cli")]);
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left[1].contains("nothing needs the exception for oauth/mod.rs [cli]"), "{left:?}");
}

#[test]
fn every_exception_says_why() {
    for exception in EXCEPTIONS {
        assert!(exception.why.len() > 10, "{exception:?}");
    }
}
