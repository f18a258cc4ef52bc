//! `docs/errors.md` has every text that says why something was refused, as the source has it.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::LitStr;

use super::{read, root};

/// A text of the source, and the call or attribute that it is handed to, where it is.
struct Text {
    text: String,
    to: Option<String>,
}

/// A format string as the page writes it.
fn as_written(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        match after.split_once('}') {
            Some((name, after)) if !name.contains([' ', '"', '{']) => {
                out.push_str("{…}");
                rest = after;
            }
            _ => {
                out.push('{');
                rest = after;
            }
        }
    }
    out + rest
}

/// Gathers the texts of some source. `to` is what the innermost brackets belong to.
fn gather(tokens: TokenStream, to: Option<&str>, out: &mut Vec<Text>) {
    let (mut before, mut is_attribute) = (None::<String>, false);
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let inner = group.stream();
                // A doc comment is no text of the program's.
                let is_doc = inner.to_string().starts_with("doc =");
                let is_macro = matches!(before.as_deref(), Some("format"));
                let name = match group.delimiter() {
                    Delimiter::Parenthesis if is_macro => to.map(str::to_owned),
                    Delimiter::Parenthesis => before.clone(),
                    _ => None,
                };
                if !(is_attribute && is_doc) {
                    gather(inner, name.as_deref(), out);
                }
                (before, is_attribute) = (None, false);
            }
            TokenTree::Ident(ident) => (before, is_attribute) = (Some(ident.to_string()), false),
            TokenTree::Punct(punct) => match punct.as_char() {
                '#' => is_attribute = true,
                // `format!` is still called that behind its mark.
                '!' => {}
                _ => before = None,
            },
            TokenTree::Literal(literal) => {
                let text = syn::parse_str::<LitStr>(&literal.to_string());
                out.extend(text.map(|text| Text { text: text.value(), to: to.map(str::to_owned) }));
                before = None;
            }
        }
    }
}

fn texts() -> Vec<Text> {
    let (mut found, mut folders) = (Vec::new(), vec![root().join("src")]);
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                let source = std::fs::read_to_string(&path).unwrap();
                let source = source.split("#[cfg(test)]\nmod ").next().unwrap();
                gather(source.parse().unwrap(), None, &mut found);
            }
        }
    }
    found
}

/// What stands in backticks in a cell.
fn spans(cell: &str) -> Vec<String> {
    let (mut found, mut rest) = (Vec::new(), cell);
    while let Some(at) = rest.find('`') {
        let ticks = rest[at..].chars().take_while(|c| *c == '`').count();
        let fence = "`".repeat(ticks);
        let inner = &rest[at + ticks..];
        let Some(end) = inner.find(&fence) else { break };
        let text = &inner[..end];
        let text = if ticks > 1 { text.trim() } else { text };
        found.push(text.replace("\\|", "|"));
        rest = &inner[end + ticks..];
    }
    found
}

/// The cells of a line of a table.
fn cells(line: &str) -> Vec<String> {
    let line = line.trim().trim_matches('|').replace("\\|", "\u{1}");
    line.split('|').map(|cell| cell.trim().replace('\u{1}', "\\|")).collect()
}

#[test]
fn every_refusal_is_explained_as_it_is_written() {
    let page = read("docs/errors.md");
    let source = texts();
    let written: BTreeSet<String> = source.iter().map(|text| as_written(&text.text)).collect();

    let (mut head, mut unknown, mut explained) = (None::<Vec<String>>, Vec::new(), 0);
    for line in page.lines() {
        match &head {
            _ if !line.starts_with('|') => head = None,
            None => head = Some(cells(line)),
            Some(head) => {
                let named = head.iter().zip(cells(line));
                let named = named.filter(|(head, _)| ["text", "reason"].contains(&&***head));
                for text in named.flat_map(|(_, cell)| spans(&cell)) {
                    explained += 1;
                    if !written.contains(&text) {
                        unknown.push(text);
                    }
                }
            }
        }
    }
    assert!(explained > 300, "{explained}");
    assert!(unknown.is_empty(), "no text of the program: {unknown:#?}");

    // And the other way: what is handed to what refuses.
    let on_page: BTreeSet<String> = page.lines().flat_map(spans).collect();
    let refuses = [
        "because",
        "invalid_request",
        "TokenRejected",
        "Forbidden",
        "Conflict",
        "ConfigError",
        "Failure",
    ];
    let missing: BTreeSet<String> = source
        .iter()
        .filter(|text| text.to.as_deref().is_some_and(|to| refuses.contains(&to)))
        .map(|text| as_written(&text.text))
        // The name of a header of a JWT, which stands in the reason beside it.
        .filter(|text| !text.is_empty() && text != "crit" && !on_page.contains(text))
        .collect();
    assert!(missing.is_empty(), "docs/errors.md does not explain: {missing:#?}");
}

#[test]
fn a_text_is_found_with_what_it_is_handed_to() {
    let source = r##"
        /// A comment.
        fn f() { OauthError::invalid_grant().because("one"); Failure(format!("two {x:?}")); other("three") }
    "##;
    let mut found = Vec::new();
    gather(source.parse().unwrap(), None, &mut found);
    let found: Vec<(String, Option<&str>)> =
        found.iter().map(|text| (as_written(&text.text), text.to.as_deref())).collect();
    let expected =
        [("one", Some("because")), ("two {…}", Some("Failure")), ("three", Some("other"))];
    assert_eq!(found, expected.map(|(text, to)| (text.to_owned(), to)));
    assert_eq!(spans(r"| `a \| b` and `` c`d `` |"), ["a | b", "c`d"]);
}
