//! Each message of the log stands in docs/logging.md, and is a sentence.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path, out: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            out.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The first string among the arguments of a macro whose text begins behind its parenthesis: those that are
/// values of fields have a name in front.
fn message(text: &str) -> Option<String> {
    let (mut depth, mut is_first) = (0, true);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                let mut literal = String::new();
                while let Some(c) = chars.next() {
                    match c {
                        '"' => break,
                        '\\' => literal.extend(['\\', chars.next()?]),
                        c => literal.push(c),
                    }
                }
                if depth == 0 && is_first {
                    return Some(unescaped(&literal));
                }
            }
            '(' | '[' | '{' => depth += 1,
            ')' if depth == 0 => return None,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        is_first = c == ',' || (is_first && c.is_whitespace());
    }
    None
}

/// A line that ends in `\` goes on where the next one begins.
fn unescaped(literal: &str) -> String {
    let mut lines = literal.split("\\\n");
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |all, line| all + line.trim_start())
}

/// The messages in the code, with their levels.
fn written() -> BTreeMap<String, BTreeSet<String>> {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    let mut messages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, text) in &files {
        for level in ["error", "warn", "info"] {
            let mark = format!("{level}!(");
            for (at, _) in text.match_indices(&mark) {
                let rest = &text[at + mark.len()..];
                assert!(
                    text[..at].ends_with("tracing::"),
                    "{name}: {level}! without tracing:: before it"
                );
                let message =
                    message(rest).unwrap_or_else(|| panic!("{name}: no message: {rest:.80}"));
                messages.entry(message).or_default().insert(level.to_owned());
            }
        }
    }
    assert!(messages.len() > 30, "the messages were found: {messages:?}");
    messages
}

/// Those of the table in the docs.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(root().join("docs/logging.md")).unwrap();
    let (_, table) = text.split_once("## Each message").unwrap();
    let mut messages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in table.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [message, level, meaning, deed] = cells[..] else { panic!("four cells: {line}") };
        assert!(!meaning.is_empty() && !deed.is_empty(), "{line}");
        messages.entry(message.trim_matches('`').to_owned()).or_default().insert(level.to_owned());
    }
    messages
}

#[test]
fn each_message_stands_in_the_docs_with_its_level_and_none_that_is_gone() {
    let (written, documented) = (written(), documented());
    let missing: Vec<_> = written
        .iter()
        .filter(|(message, level)| documented.get(*message) != Some(*level))
        .collect();
    assert!(missing.is_empty(), "docs/logging.md does not say so: {missing:#?}");
    let gone: Vec<_> =
        documented.keys().filter(|message| !written.contains_key(*message)).collect();
    assert!(gone.is_empty(), "docs/logging.md speaks of what nothing writes: {gone:#?}");
}

#[test]
fn each_message_is_a_sentence() {
    for message in written().keys() {
        assert!(message.split(' ').count() >= 4, "this says nothing of what happened: {message}");
        assert!(!message.ends_with('.'), "{message}");
    }
}
