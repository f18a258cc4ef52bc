//! Every page, rendered from its samples: as they are, and as hostile input would have them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use portcullis::views::{self, PARTS, Renderer};
use serde_json::Value;

use crate::support::assert_snapshots;

const HOSTILE: &str = "\"><script>alert(1)</script>'& onclick=";

/// Every file of `folder`, by its path below `root`.
fn files(root: &Path, folder: &Path, out: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(root, &path, out);
        } else {
            out.insert(path.strip_prefix(root).unwrap().display().to_string());
        }
    }
}

#[test]
fn every_template_is_a_page_with_samples_or_a_part() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut there = BTreeSet::new();
    files(&root, &root, &mut there);
    // Programs for developers, which are no pages: `init.rs` writes each of them.
    there.retain(|name| !name.starts_with("snippets/"));
    assert!(there.len() > 20, "the templates were found");
    let mut known: BTreeSet<String> = PARTS.iter().map(|part| part.name.to_owned()).collect();
    for page in views::all() {
        let samples = page.samples().unwrap();
        assert!(!samples.is_empty(), "{} has no sample", page.template.name);
        let names: BTreeSet<&str> = samples.iter().map(|sample| sample.name).collect();
        assert_eq!(
            names.len(),
            samples.len(),
            "two samples of {} have one name",
            page.template.name
        );
        assert!(known.insert(page.template.name.to_owned()), "{} is two pages", page.template.name);
    }
    let stray: Vec<&String> = there.difference(&known).collect();
    assert!(stray.is_empty(), "no page of `views::all` and no part is rendered from {stray:?}");
    let missing: Vec<&String> = known.difference(&there).collect();
    assert!(missing.is_empty(), "not found in templates/: {missing:?}");
}

/// Calls `check` with the name and the HTML of each sample of each page, `change`d before.
fn every_page(change: impl Fn(Value) -> Value, mut check: impl FnMut(&str, &str)) {
    let renderer = Renderer::new().unwrap();
    for page in views::all() {
        for sample in page.samples().unwrap() {
            let html = renderer.render_as(page.template, &change(sample.view)).unwrap();
            let name = format!(
                "{}-{}",
                page.template.name.trim_end_matches(".html").replace('/', "-"),
                sample.name
            );
            check(&name, &html);
        }
    }
}

/// The same with every text in it replaced.
fn hostile(view: Value) -> Value {
    match view {
        Value::String(_) => HOSTILE.into(),
        Value::Array(items) => items.into_iter().map(hostile).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (name, hostile(value))).collect()
        }
        other => other,
    }
}

#[test]
fn every_page_escapes_what_it_shows() {
    every_page(hostile, |name, html| {
        assert!(html.contains("&lt;script&gt;alert(1)"), "{name} shows nothing of it: {html}");
        assert!(!html.contains("<script>") && !html.contains("\"><script"), "{name}: {html}");
        assert!(!html.contains("'& onclick"), "{name}: {html}");
    });
}

#[test]
fn every_page_is_a_document_without_inline_style_or_script() {
    every_page(
        |view| view,
        |name, html| {
            assert!(html.starts_with("<!doctype html>"), "{name}: {html}");
            assert!(
                html.contains("<html lang=\"en\">") && html.contains("<title>"),
                "{name}: {html}"
            );
            for inline in
                ["<script>", "<style", " style=", " onclick=", " onsubmit=", "javascript:"]
            {
                assert!(!html.contains(inline), "{name} has {inline}: {html}");
            }
        },
    );
}

#[test]
fn every_page_is_as_its_snapshots_show_it() {
    let mut shown = BTreeMap::new();
    every_page(
        |view| view,
        |name, html| {
            shown.insert(name.to_owned(), html.to_owned());
        },
    );
    assert_snapshots("pages", &shown);
}

/// The same without what a form is known by.
fn without_token(view: Value) -> Value {
    match view {
        Value::Object(members) => {
            let kept = members.into_iter().filter(|(name, _)| name != "csrf_token");
            kept.map(|(name, value)| (name, without_token(value))).collect()
        }
        other => other,
    }
}

#[test]
fn a_page_whose_form_lacks_its_token_is_not_shown() {
    let renderer = Renderer::new().unwrap();
    let mut checked = 0;
    for page in views::all() {
        for sample in page.samples().unwrap() {
            let html = renderer.render_as(page.template, &sample.view).unwrap();
            let name = page.template.name;
            // A response that is posted to a client must not bring a token of ours there.
            let ours = html.matches("method=\"post\"").count()
                - usize::from(name == "pages/form_post.html");
            let tokens =
                html.matches("name=\"csrf_token\" value=\"the-token-of-the-form\"").count();
            assert_eq!(tokens, ours, "{name}: {html}");
            if ours > 0 {
                let rendered = renderer.render_as(page.template, &without_token(sample.view));
                assert!(rendered.is_err(), "{name} was shown without its token: {rendered:?}");
                checked += 1;
            }
        }
    }
    assert!(checked > 30, "the forms were found");
}
