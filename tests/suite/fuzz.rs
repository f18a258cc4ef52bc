//! What fuzzing found, and what it starts from: no bytes of it break what must hold.

#[path = "../../fuzz/src/lib.rs"]
mod targets;

use std::{fs, path::Path};

use portcullis::admin::{Manner, What};

use crate::support::TestApp;

/// The files of a target: its name, and the bytes.
fn files(target: &str) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for folder in ["seeds", "cases"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(folder).join(target);
        let entries: Vec<_> =
            fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(entries.len() > 2, "{}", folder.display());
        found.extend(
            entries.into_iter().map(|path| (path.display().to_string(), fs::read(&path).unwrap())),
        );
    }
    found
}

fn run(target: &str, check: fn(&[u8])) {
    for (name, bytes) in files(target) {
        // It is told which one it was.
        println!("{name}");
        check(&bytes);
    }
}

#[test]
fn basic_authorization_headers_are_read_as_they_must_be() {
    run("basic", targets::basic::check);
}

#[test]
fn assertions_are_read_as_they_must_be() {
    run("jwt", targets::jwt::check);
}

#[test]
fn refresh_tokens_are_read_as_they_must_be() {
    run("refresh_token", targets::refresh_token::check);
}

#[test]
fn cursors_are_read_as_they_must_be() {
    run("cursor", targets::cursor::check);
}

#[test]
fn files_to_apply_are_read_as_they_must_be() {
    run("apply", targets::apply::check);
}

/// One of the same key signs an assertion that is good, so that the others are refused for what they are.
#[test]
fn the_reader_of_assertions_takes_a_good_one() {
    assert!(targets::jwt::is_taken(br#"{"alg":"EdDSA"}"#, br#"{"exp":4102444800}"#));
    assert!(!targets::jwt::is_taken(
        br#"{"alg":"EdDSA","crit":["exp"]}"#,
        br#"{"exp":4102444800}"#
    ));
}

#[rocket::async_test]
async fn a_file_that_is_applied_comes_back_as_one_that_changes_nothing() {
    let app = TestApp::start().await;
    let mut applied = 0;
    for (name, bytes) in files("apply") {
        let Ok(text) = String::from_utf8(bytes) else { continue };
        if app.try_apply(&text, &Manner::default()).await.is_err() {
            continue;
        }
        applied += 1;
        let exported = app.export(None, true).await.to_string();
        let changes = app.apply(&exported).await;
        assert!(changes.iter().all(|change| change.what == What::Unchanged), "{name}: {changes:?}");
    }
    assert!(applied > 0);
}
