//! Commands that work at a server over the network, or with a browser.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use rocket::tokio;
use serde_json::{Value, json};
use thirtyfour::prelude::*;

use crate::{
    browser::{browser, fill, press, sees},
    support::{Server, new_database, write_master_key},
};

const PASSWORD: &str = "correct horse battery staple";

const TRIAL: [&str; 6] = ["client", "try", "--tenant", "acme", "web", "--no-browser"];

fn file() -> String {
    let loopback = "http://127.0.0.1/callback";
    json!({ "tenants": [
        {
            "slug": "acme",
            "settings": { "password_bcrypt_cost": 10 },
            "clients": [
                { "client_id": "web", "application_type": "web", "redirect_uris": ["https://app.example/callback"],
                  "client_secret": "a-secret-that-no-trial-has-to-know-of" },
                { "client_id": "page", "application_type": "spa", "skip_consent": true,
                  "redirect_uris": ["https://page.example/"] },
                { "client_id": "robot", "application_type": "machine" },
            ],
            "users": [{ "username": "ada", "name": "Ada Lovelace", "password": PASSWORD }],
        },
        {
            "slug": "system",
            // Over before it is used: each command has to renew it.
            "settings": { "password_bcrypt_cost": 10, "access_token_ttl": 2 },
            "clients": [{ "client_id": "portcullis-cli", "application_type": "native", "redirect_uris": [loopback],
                "scope": "openid profile offline_access admin admin:read" }],
            "users": [{ "username": "root", "name": "Root", "password": PASSWORD, "roles": ["operator"] }],
        },
    ] })
    .to_string()
}

async fn started(folder: &Path) -> Server {
    write_master_key(folder);
    let database = new_database(folder).await;
    let server = Server::start(folder, &database, &[]).await;
    let (code, _, error) = server.command(&["apply", "-f", "-"], &file());
    assert_eq!(code, 0, "{error}");
    server
}

/// A shell on another machine: a folder without a database.
struct Elsewhere {
    folder: tempfile::TempDir,
}

impl Elsewhere {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(Server::binary());
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("PORTCULLIS_PROFILES", self.folder.path().join("kept/profiles.json"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        ended(self.command(arguments).spawn().unwrap())
    }
}

fn ended(child: Child) -> (i32, String, String) {
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

/// A command that names addresses for a browser to go to.
struct Browsing {
    child: Child,
    says: BufReader<std::process::ChildStderr>,
    said: String,
}

impl Browsing {
    fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let says = BufReader::new(child.stderr.take().unwrap());
        Self { child, says, said: String::new() }
    }

    /// The next address that it names.
    async fn address(&mut self) -> String {
        tokio::task::block_in_place(|| {
            loop {
                let mut line = String::new();
                assert_ne!(self.says.read_line(&mut line).unwrap(), 0, "{}", self.said);
                self.said.push_str(&line);
                if line.starts_with("http://") {
                    return line.trim().to_owned();
                }
            }
        })
    }

    fn end(mut self) -> (i32, String, String) {
        self.says.read_to_string(&mut self.said).unwrap();
        let (code, out, _) = ended(self.child);
        (code, out, self.said)
    }
}

async fn sign_in(driver: &WebDriver, address: &str, username: &str) {
    driver.goto(address).await.unwrap();
    fill(driver, "username", username).await;
    fill(driver, "password", PASSWORD).await;
    press(driver, "Sign in").await;
}

#[rocket::async_test]
async fn somebody_signs_in_to_a_server_and_works_there_until_they_are_signed_out() {
    let folder = tempfile::tempdir().unwrap();
    let server = started(folder.path()).await;
    let elsewhere = Elsewhere::new();
    let (code, _, said) = elsewhere.run(&["tenant", "list"]);
    assert!(code == 1 && said.contains("portcullis login --server"), "{said}");

    let driver = browser(true).await;
    let base = server.base();
    let mut login =
        Browsing::start(elsewhere.command(&["login", "--server", &base, "--no-browser"]));
    sign_in(&driver, &login.address().await, "root").await;
    press(&driver, "Allow").await;
    sees(&driver, "You can close this window").await;
    let (code, out, said) = login.end();
    assert!(code == 0 && out.contains("as root of tenant system"), "{out}{said}");
    driver.quit().await.unwrap();

    let done = |arguments: &[&str]| {
        let (code, out, said) = elsewhere.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {out}{said}");
        out
    };
    assert!(done(&["tenant", "list"]).contains("acme"));
    done(&["client", "create", "--tenant", "acme", "--type", "machine", "--client-id", "made"]);
    assert!(done(&["client", "list", "--tenant", "acme", "--server", &base]).contains("made"));
    done(&["user", "update", "--tenant", "acme", "ada", "--name", "Ada King", "--quiet"]);
    let ada: Value =
        serde_json::from_str(&done(&["user", "show", "--tenant", "acme", "ada"])).unwrap();
    assert_eq!(ada["name"], "Ada King");
    let trail = done(&["audit", "list", "--tenant", "acme", "--format", "json"]);
    // By her own name, not by the shell's.
    assert!(trail.contains("\"actor\": \"user:"), "{trail}");
    let (code, _, said) = elsewhere.run(&["user", "show", "--tenant", "acme", "nobody"]);
    assert_eq!((code, said.trim()), (1, "portcullis: no user nobody"));
    let (code, _, said) = elsewhere.run(&["client", "list", "--tenant", "nowhere"]);
    assert_eq!((code, said.contains("no tenant nowhere")), (1, true), "{said}");
    let (code, _, said) = elsewhere.run(&["doctor", "--server", &base]);
    assert_eq!((code, said.contains("leave --server out")), (1, true), "{said}");

    // Many commands at once, each with a token that is over: they use the refresh token one after another.
    for _ in 0..3 {
        let children: Vec<Child> =
            (0..24).map(|_| elsewhere.command(&["tenant", "list"]).spawn().unwrap()).collect();
        for child in children {
            let (code, _, said) = ended(child);
            assert_eq!(code, 0, "{said}");
        }
    }

    // Nothing but what was kept was made there, and that is its owner's alone.
    use std::os::unix::fs::PermissionsExt as _;
    let made: Vec<_> = std::fs::read_dir(elsewhere.folder.path()).unwrap().collect();
    assert_eq!(made.len(), 1);
    let kept = elsewhere.folder.path().join("kept/profiles.json");
    assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);

    // Whoever is signed out by an administrator works there no longer.
    let (code, ..) =
        server.command(&["session", "end", "--tenant", "system", "--all", "--yes"], "");
    assert_eq!(code, 0);
    let (code, _, said) = elsewhere.run(&["tenant", "list"]);
    assert!(code == 1 && said.contains("sign in again: portcullis login --server"), "{said}");
    assert_eq!(said.trim().lines().count(), 1, "{said}");
    done(&["logout"]);
    assert!(!std::fs::read_to_string(kept).unwrap().contains("prt_"));
}

#[rocket::async_test]
async fn a_trial_walks_through_all_that_a_client_can_do_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let server = started(folder.path()).await;
    let driver = browser(true).await;
    let mut tried = Browsing::start(server.bare_command(&TRIAL));
    sign_in(&driver, &tried.address().await, "ada").await;
    press(&driver, "Allow").await;
    sees(&driver, "You can close this window").await;
    driver.goto(tried.address().await).await.unwrap();
    sees(&driver, "You can close this window").await;
    let (code, out, said) = tried.end();
    assert_eq!(code, 0, "{out}{said}");
    for step in ["== sign in", "== refresh", "== userinfo", "== introspect", "== sign out"] {
        assert!(said.contains(step), "{step}: {said}");
    }
    let answers: Vec<Value> =
        serde_json::Deserializer::from_str(&out).into_iter().map(Result::unwrap).collect();
    assert_eq!(answers[0]["access_token"]["header"]["typ"], "at+jwt");
    assert_eq!(answers.last().unwrap()["introspection"], json!({ "active": false }));
    // What could be used is not shown.
    assert!(!out.contains("prt_") && !out.contains("pcs_"), "{out}");

    // One that is turned down says why, in words of the server's.
    let mut tried = Browsing::start(server.bare_command(&TRIAL));
    sign_in(&driver, &tried.address().await, "ada").await;
    press(&driver, "Do not allow").await;
    let (code, _, said) = tried.end();
    assert!(code == 1 && said.contains("access_denied"), "{said}");
    driver.quit().await.unwrap();

    let (code, out, said) = server.command(&["client", "try", "--tenant", "acme", "robot"], "");
    assert!(code == 0 && out.contains("\"active\": false"), "{out}{said}");
    let (_, left, _) =
        server.command(&["client", "list", "--tenant", "acme", "--format", "json"], "");
    let left: Vec<Value> = serde_json::from_str(&left).unwrap();
    let names: Vec<&str> = left.iter().map(|one| one["client_id"].as_str().unwrap()).collect();
    assert_eq!(names, ["page", "robot", "web"]);
}

#[rocket::async_test]
async fn what_looks_for_a_database_makes_none() {
    let elsewhere = Elsewhere::new();
    for arguments in [
        &["tenant", "list"][..],
        &["token", "--tenant", "system"],
        &["export"],
        &["doctor"],
        &["config", "show"],
        &["health"],
        &["client", "try", "--tenant", "acme", "web"],
    ] {
        let (code, _, said) = elsewhere.run(arguments);
        assert_eq!(code, i32::from(arguments[0] != "config"), "{arguments:?}: {said}");
        let made = std::fs::read_dir(elsewhere.folder.path()).unwrap().count();
        assert_eq!(made, 0, "{arguments:?}");
    }
}

#[rocket::async_test]
async fn every_answer_is_written_as_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let server = started(folder.path()).await;
    let answered = |arguments: &[&str], input: &str| {
        let (code, out, said) = server.command(arguments, input);
        assert_eq!(code, 0, "{arguments:?}: {said}");
        (out, said)
    };
    for arguments in [
        &["tenant", "list"][..],
        &["tenant", "create", "initech"],
        &["tenant", "update", "initech", "--set", "access_token_ttl=60"],
        &["tenant", "suspend", "initech", "--yes"],
        &["tenant", "resume", "initech"],
        &["client", "show", "--tenant", "acme", "web"],
        &["client", "secret", "--tenant", "acme", "web"],
        &["client", "update", "--tenant", "acme", "web", "--name", "Web"],
        &["client", "delete", "--tenant", "acme", "page", "--yes"],
        &["user", "create", "--tenant", "acme", "--username", "bob"],
        &["user", "disable", "--tenant", "acme", "bob"],
        &["user", "delete", "--tenant", "acme", "bob", "--yes"],
        &["session", "list", "--tenant", "acme"],
        &["session", "end", "--tenant", "acme", "--all", "--yes"],
        &["consent", "list", "--tenant", "acme", "--user", "ada"],
        &["key", "list", "--tenant", "acme"],
        &["audit", "list", "--tenant", "acme"],
        &["token", "--tenant", "acme"],
        &["export"],
        &["migrate"],
        &["doctor"],
        &["health"],
        &["config", "show"],
        &["version"],
    ] {
        let json = [arguments, &["--format", "json"]].concat();
        let input = if arguments.contains(&"--username") { "a long password\n" } else { "" };
        let (out, _) = answered(&json, input);
        let read: Value =
            serde_json::from_str(&out).unwrap_or_else(|why| panic!("{json:?}: {why}: {out}"));
        assert!(read.is_object() || read.is_array(), "{json:?}: {out}");
    }
    // A flag takes no word that follows for its value.
    for (flag, value) in [("--skip-consent", "true"), ("--skip-consent=false", "false")] {
        let (shown, _) = answered(&["client", "update", "--tenant", "acme", flag, "web"], "");
        assert!(shown.contains(&format!("\"skip_consent\": {value}")), "{shown}");
    }
    for arguments in
        [&["tenant", "show", "acme"][..], &["user", "list", "--tenant", "acme"], &["export"]]
    {
        let yaml = [arguments, &["--format", "yaml", "--quiet"]].concat();
        let (out, said) = answered(&yaml, "");
        let read: Value = serde_norway::from_str(&out).unwrap();
        assert!(!out.trim_start().starts_with(['{', '[']), "{out}");
        assert!(read.is_object() || read.is_array());
        assert_eq!(said, "");
    }
    let (table, _) = answered(&["tenant", "show", "acme", "--format", "table"], "");
    assert!(
        table.lines().any(|line| line.starts_with("slug ") && line.ends_with("acme")),
        "{table}"
    );
}
