//! What people see, compared with what they saw before: `tests/suite/snapshots/`.
//!
//! A snapshot that is missing or differs fails the test, and what is seen now is left beside it as
//! `*.snap.new`: whoever means the change renames it, by hand or with `cargo insta review`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Compares each text with the snapshot of its name in `folder`, which holds no others.
pub(crate) fn assert_snapshots(folder: &str, texts: &BTreeMap<String, String>) {
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(format!("../snapshots/{folder}"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for (name, text) in texts {
            insta::assert_snapshot!(name.as_str(), text);
        }
    });
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/snapshots").join(folder);
    let names = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
    let there: BTreeSet<String> =
        names.filter_map(|name| name.strip_suffix(".snap").map(str::to_owned)).collect();
    let asked: BTreeSet<String> = texts.keys().cloned().collect();
    let stray: Vec<&String> = there.difference(&asked).collect();
    assert!(stray.is_empty(), "snapshots of what is no more: {stray:?}");
}
