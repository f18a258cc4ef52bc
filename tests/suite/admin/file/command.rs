//! `portcullis apply` as a person with a shell, or a script, meets it.

use std::process::{Child, Command, Stdio};

use crate::support::{Server, new_database, write_master_key};

/// A folder with a master key, and a database of its own that nobody has opened yet.
struct Place {
    folder: tempfile::TempDir,
    database: String,
}

impl Place {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_master_key(folder.path());
        let database = new_database(folder.path()).await;
        Self { folder, database }
    }

    fn spawn(&self, arguments: &[&str]) -> Child {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        Command::new(Server::binary())
            .args(arguments)
            .current_dir(self.folder.path())
            .env("PORTCULLIS_DATABASE_URL", &self.database)
            .env("PORTCULLIS_MASTER_KEY_FILE", path("master.key"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        ended(self.spawn(arguments))
    }

    fn write(&self, text: &str) {
        std::fs::write(self.folder.path().join("file.yaml"), text).unwrap();
    }

    /// What `apply` prints of this file.
    fn apply(&self, text: &str, more: &[&str]) -> String {
        self.write(text);
        let (code, out, error) = self.run(&[&["apply", "-f", "file.yaml"], more].concat());
        assert_eq!(code, 0, "{out}{error}");
        out
    }

    /// The one line that says why `apply` fails.
    fn refused(&self, text: &str, more: &[&str]) -> String {
        self.write(text);
        let (code, out, error) = self.run(&[&["apply", "-f", "file.yaml"], more].concat());
        assert_eq!((code, error.trim().lines().count()), (1, 1), "{out}{error}");
        assert!(out.is_empty() && error.starts_with("portcullis: "), "{out}{error}");
        error
    }
}

fn ended(child: Child) -> (i32, String, String) {
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

const FILE: &str = r#"
tenants:
  - slug: acme
    name: Acme
    settings: { password_bcrypt_cost: 10 }
    clients:
      - { client_id: robot, grant_types: [client_credentials] }
    users:
      - { username: ada, email: ada@acme.example, password: correct horse battery staple }
      - { username: bob, password: correct horse battery staple }
"#;

#[rocket::async_test]
async fn four_at_once_over_a_new_database_all_succeed() {
    let place = Place::new().await;
    std::fs::remove_file(place.folder.path().join("master.key")).unwrap();
    place.write(FILE);
    let four: Vec<Child> = (0..4).map(|_| place.spawn(&["apply", "-f", "file.yaml"])).collect();
    let four: Vec<_> = four.into_iter().map(ended).collect();
    assert!(four.iter().all(|(code, ..)| *code == 0), "{four:?}");
    let first = four.iter().filter(|(_, out, _)| out.contains("4 created, 0 changed, 0 unchanged"));
    let after = four.iter().filter(|(_, out, _)| out.contains("0 created, 0 changed, 4 unchanged"));
    assert_eq!((first.count(), after.count()), (1, 3), "{four:?}");
    assert_eq!(
        four.iter().filter(|(_, out, _)| out.contains("client_secret (told this once)")).count(),
        1
    );
}

#[rocket::async_test]
async fn a_dry_run_shows_each_member_before_and_after_and_no_secret() {
    let place = Place::new().await;
    let made = place.apply(FILE, &["--dry-run"]);
    assert!(
        made.contains("4 created, 0 changed, 0 unchanged (dry run: nothing was done)"),
        "{made}"
    );
    assert!(!made.contains("pcs_"), "{made}");
    place.apply(FILE, &[]);
    let changed = "tenants: [{ slug: acme, name: null, settings: { access_token_ttl: 60 }, users: [{ username: ada, \
                   email: null, password: another horse of mine }, { username: bob }] }]";
    let told = place.apply(changed, &["--dry-run"]);
    let wanted = "changed   tenant acme\n          name: \"Acme\" -> \"acme\"\n          \
                  settings.access_token_ttl: 900 -> 60\nchanged   user acme/ada\n          \
                  email: \"ada@acme.example\" -> null\n          password: (new)\nunchanged user acme/bob\n\
                  0 created, 2 changed, 1 unchanged (dry run: nothing was done)\n";
    assert_eq!(told, wanted);
    let json: serde_json::Value =
        serde_json::from_str(&place.apply(changed, &["--format", "json"])).unwrap();
    assert_eq!(
        json[1]["fields"][0],
        serde_json::json!({ "field": "email", "old": "ada@acme.example", "new": null })
    );
    assert!(!json.to_string().contains("horse") && !json.to_string().contains("$2b$"));
    assert_eq!(
        place.apply(changed, &[]),
        "unchanged tenant acme\nunchanged user acme/ada\nunchanged user acme/bob\n0 created, 0 changed, 3 unchanged\n"
    );
}

#[rocket::async_test]
async fn pruning_asks_first_and_a_script_says_yes() {
    let place = Place::new().await;
    place.apply(FILE, &[]);
    let fewer = "tenants: [{ slug: acme, clients: [], users: [{ username: ada }] }]";
    let told = place.apply(fewer, &["--prune", "--dry-run"]);
    assert!(
        told.contains("removed   client acme/robot\nremoved   user acme/bob\n")
            && told.contains("2 removed (dry"),
        "{told}"
    );
    let refused = place.refused(fewer, &["--prune"]);
    assert!(
        refused.contains("client acme/robot, user acme/bob") && refused.contains("--yes"),
        "{refused}"
    );
    assert!(place.apply(fewer, &[]).contains("2 unchanged\n"));
    assert!(place.run(&["user", "list", "--tenant", "acme"]).1.contains("bob"));
    let done = place.apply(fewer, &["--prune", "--yes"]);
    assert!(
        done.contains("removed   user acme/bob") && done.contains("2 unchanged, 2 removed\n"),
        "{done}"
    );
    assert!(!place.run(&["user", "list", "--tenant", "acme"]).1.contains("bob"));
    assert!(place.apply(fewer, &["--prune"]).contains("2 unchanged\n"), "nothing to ask about");
    place.apply("tenants: [{ slug: system, users: [{ username: root, roles: [operator] }] }]", &[]);
    let refused = place.refused("tenants: [{ slug: system, users: [] }]", &["--prune", "--yes"]);
    assert!(refused.contains("the last operator"), "{refused}");
}

#[rocket::async_test]
async fn a_question_on_a_terminal_is_answered_by_yes_alone() {
    let place = Place::new().await;
    place.apply(FILE, &[]);
    place.write("tenants: [{ slug: acme, users: [{ username: ada }] }]");
    for (answer, expected) in [("y", 1), ("", 1), ("yes", 0)] {
        let (code, out) = on_a_terminal(&place, answer);
        assert_eq!(code, expected, "{out}");
        assert!(out.contains("removed   user acme/bob") && out.contains("Type yes"), "{out}");
        assert_eq!(
            place.run(&["user", "list", "--tenant", "acme"]).1.contains("bob"),
            expected == 1,
            "{out}"
        );
    }
}

/// Runs `apply --prune` on a terminal of its own, where somebody types `answer`.
fn on_a_terminal(place: &Place, answer: &str) -> (i32, String) {
    use std::io::Write as _;
    let line = format!("{} apply -f file.yaml --prune", Server::binary());
    let mut child = Command::new("script")
        .args(["-q", "-e", "-c", &line, "/dev/null"])
        .current_dir(place.folder.path())
        .env("PORTCULLIS_DATABASE_URL", &place.database)
        .env("PORTCULLIS_MASTER_KEY_FILE", place.folder.path().join("master.key"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.as_mut().unwrap().write_all(format!("{answer}\n").as_bytes()).unwrap();
    let (code, out, error) = ended(child);
    (code, format!("{out}{error}").replace('\r', ""))
}

#[rocket::async_test]
async fn a_wrong_file_is_one_line_with_its_place_and_nothing_is_done() {
    let place = Place::new().await;
    place.apply(FILE, &[]);
    for (text, said) in [
        ("tenants:\n  - slug: acme\n   name: x\n", "line 3"),
        ("{\"tenants\": [{\"slug\": \"acme\",,}]}", "line 1"),
        (
            "tenants: [{ slug: acme, name: Changed, users: [{ username: ada, mail: x }] }]",
            "tenant acme, user ada: mail",
        ),
        (
            "tenants: [{ slug: acme, name: Changed }, { slug: b, clients: [{ client_id: c, grant_types: [], scope: nope }] }]",
            "tenant b, client c: scope",
        ),
    ] {
        let refused = place.refused(text, &[]);
        assert!(refused.contains(said), "{refused}");
        assert_eq!(place.refused(text, &["--dry-run"]), refused);
    }
    assert!(place.run(&["tenant", "show", "acme"]).1.contains("\"name\": \"Acme\""));
}

#[rocket::async_test]
async fn an_export_is_a_file_that_changes_nothing() {
    let place = Place::new().await;
    place.apply(FILE, &[]);
    for format in ["yaml", "json"] {
        let (code, out, error) = place.run(&["export", "--with-hashes", "--format", format]);
        assert_eq!(code, 0, "{error}");
        assert!(
            place
                .apply(&out, &["--prune", "--yes"])
                .contains("0 created, 0 changed, 5 unchanged\n")
        );
    }
}
