//! The house keeps its order: who may import whom, and in which room each package lives.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

fn sources(folder: &Path, out: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
            let name = path.strip_prefix(root).unwrap().display().to_string();
            out.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
}

fn all() -> Vec<(String, String)> {
    let mut out = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut out);
    assert!(out.len() > 80, "the sources were found");
    out
}

/// The rooms that each room may import.
fn allowed() -> BTreeMap<&'static str, Vec<&'static str>> {
    let ground = vec!["domain", "protocol"];
    let with = |base: &[&'static str], more: &[&'static str]| [base, more].concat();
    // `effects` hands out instants and identifiers, which are of the domain.
    let low = with(&ground, &["effects"]);
    let storage = low.clone();
    let keys = with(&low, &["storage", "turns"]);
    let revocation = with(&keys, &["keys"]);
    let support = with(&revocation, &["revocation", "config"]);
    let installation = with(&support, &["events", "throttle", "turns", "jobs"]);
    let accounts = with(&installation, &["installation"]);
    let use_cases = with(&accounts, &["accounts"]);
    let views = with(&ground, &["admin"]);
    let web = with(&use_cases, &["oauth", "admin", "views"]);
    let cli = with(&web, &["web"]);
    BTreeMap::from([
        ("domain", with(&ground, &["effects"])),
        ("protocol", ground.clone()),
        ("effects", ground.clone()),
        ("config", ground),
        ("storage", storage),
        ("keys", keys),
        ("revocation", revocation),
        ("events", with(&support, &["throttle"])),
        ("throttle", low.clone()),
        ("turns", low),
        ("installation", installation),
        ("oauth", use_cases.clone()),
        ("accounts", accounts),
        ("admin", use_cases),
        ("views", views),
        ("web", web.clone()),
        ("jobs", support.clone()),
        ("cli", cli),
    ])
}

fn room(name: &str) -> &str {
    name.split('/').next().unwrap().trim_end_matches(".rs")
}

/// The rooms of this crate that a source names: `crate::room` and `crate::{room::…, room::…}`.
fn imports(text: &str) -> Vec<String> {
    named_after(text, "crate::")
}

/// The first names behind `prefix`: `prefix::room` and `prefix::{room::…, room::…}`.
fn named_after(text: &str, prefix: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices(prefix) {
        let rest = &text[at + prefix.len()..];
        let word = |text: &str| text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>();
        if let Some(group) = rest.strip_prefix('{') {
            let (mut depth, mut part) = (0, String::new());
            for c in group.chars() {
                match c {
                    '}' if depth == 0 => break,
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        found.push(word(part.trim()));
                        part.clear();
                        continue;
                    }
                    _ => {}
                }
                part.push(c);
            }
            found.push(word(part.trim()));
        } else {
            found.push(word(rest));
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

#[test]
fn no_room_imports_one_above_or_beside_it() {
    let allowed = allowed();
    for (name, text) in all() {
        let own = room(&name);
        let Some(may) = allowed.get(own) else {
            assert!(matches!(own, "lib" | "main"), "{name} is in no room: add it to this test");
            continue;
        };
        for import in imports(&text) {
            let known = allowed.contains_key(import.as_str());
            let fine = import == own || may.contains(&import.as_str()) || !known;
            assert!(fine, "{name} imports {import}, which {own} may not");
        }
    }
}

/// Which parts of `web/` each part of it imports, by `crate::web::` and by `super::`.
fn imports_in_web() -> BTreeMap<String, BTreeSet<String>> {
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let sources: Vec<_> =
        all().into_iter().filter(|(name, _)| name.starts_with("web/") && name != "web/mod.rs").collect();
    let parts: BTreeSet<String> = sources.iter().map(|(name, _)| room(&name["web/".len()..]).to_owned()).collect();
    for (name, text) in sources {
        let own = room(&name["web/".len()..]).to_owned();
        let mut named = named_after(&text, "web::");
        // Only there does `super` mean `web` itself.
        if name.matches('/').count() == 1 || name.ends_with("/mod.rs") {
            named.extend(named_after(&text, "super::"));
        }
        // `Site` and `Metrics` are handed on by `web/mod.rs`.
        let homes = named.into_iter().map(|part| match part.as_str() {
            "Site" => "site".to_owned(),
            "Metrics" => "metrics".to_owned(),
            _ => part,
        });
        graph.entry(own.clone()).or_default().extend(homes.filter(|part| parts.contains(part) && *part != own));
    }
    graph
}

#[test]
fn the_parts_of_web_form_no_circle() {
    let graph = imports_in_web();
    assert!(
        graph["console"].contains("guards") && graph["api"].contains("answers"),
        "the imports were read: {graph:?}"
    );
    assert!(!graph["console"].contains("api"), "the console is no client of the API's handlers");
    let mut left = graph.clone();
    // Whoever imports nothing that is left is no part of a circle.
    while let Some(part) = left.iter().find(|(_, named)| named.iter().all(|name| !left.contains_key(name))) {
        let part = part.0.clone();
        left.remove(&part);
    }
    assert!(left.is_empty(), "these import one another: {left:?}");
}

#[test]
fn each_package_stays_in_its_room() {
    let rooms: [(&str, &[&str]); 11] = [
        ("diesel", &["storage/"]),
        ("jsonwebtoken", &["keys/"]),
        ("redis", &["revocation/"]),
        ("tera", &["views/render.rs"]),
        ("bcrypt", &["accounts/"]),
        ("zxcvbn", &["accounts/known_passwords.rs"]),
        ("precis_profiles", &["domain/login_name.rs"]),
        ("ed25519_dalek", &["keys/jwk.rs"]),
        ("oxide_auth", &["oauth/engine.rs"]),
        ("hyper", &["web/listener/"]),
        ("rocket", &["web/", "lib.rs", "cli/serve.rs", "storage/pool.rs"]),
    ];
    for (name, text) in all() {
        for (package, homes) in rooms {
            let used = text.lines().any(|line| {
                let line = line.trim_start();
                !line.starts_with("//")
                    && (line.starts_with(&format!("use {package}::")) || line.contains(&format!(" {package}::")))
            });
            let home = homes.iter().any(|home| name.starts_with(home));
            assert!(!used || home, "{name} uses {package}, which lives in {homes:?}");
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for (name, text) in all() {
        assert!(text.starts_with("//!"), "{name} does not open with //!");
    }
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |database: &str| -> Vec<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(database);
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names("sqlite"), names("postgres"));
}
