//! The commands, as a person with a shell meets them.

use std::collections::BTreeMap;

use portcullis::{
    admin::{Change, FieldChange, TenantView, What, samples},
    cli::{self, Finding, Format, columns},
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::support::{Server, assert_snapshots, basic, form, new_database, write_master_key};

pub(crate) const MACHINE_FILE: &str = r#"
tenants:
  - slug: acme
    scopes: [{ name: reports.read, description: Read }]
    clients:
      - client_id: robot
        client_secret: a-secret-for-tests-of-the-robot-client
        grant_types: [client_credentials]
        scope: reports.read
"#;

const SECRET: &str = "a-secret-for-tests-of-the-robot-client";

pub(crate) async fn machine_token(server: &Server) -> String {
    let body = form(&[("grant_type", "client_credentials")]);
    let auth = basic("robot", SECRET);
    let headers =
        [("Content-Type", "application/x-www-form-urlencoded"), ("Authorization", auth.as_str())];
    let (status, body) = server.request("POST", "/t/acme/oauth2/token", &headers, &body).await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_str::<serde_json::Value>(&body).unwrap()["access_token"]
        .as_str()
        .unwrap()
        .to_owned()
}

pub(crate) async fn introspect(server: &Server, token: &str) -> (u16, String) {
    let auth = basic("robot", SECRET);
    let headers =
        [("Content-Type", "application/x-www-form-urlencoded"), ("Authorization", auth.as_str())];
    server.request("POST", "/t/acme/oauth2/introspect", &headers, &form(&[("token", token)])).await
}

#[rocket::async_test]
async fn the_commands_do_what_the_console_does() {
    let folder = tempfile::tempdir().unwrap();
    write_master_key(folder.path());
    let database = new_database(folder.path()).await;
    let server = Server::start(folder.path(), &database, &[]).await;
    let run = |arguments: &[&str], input: &str| {
        let (code, out, error) = server.command(arguments, input);
        assert_eq!(code, 0, "{arguments:?}: {out}{error}");
        out
    };
    assert!(run(&["migrate"], "").contains("at this version"));
    assert!(run(&["apply", "-f", "-"], MACHINE_FILE).contains("2 created"));
    assert!(run(&["apply", "-f", "-"], MACHINE_FILE).contains("0 created, 0 changed, 2 unchanged"));
    assert!(run(&["tenant", "list"], "").contains("acme"));
    run(&["tenant", "create", "initech", "--name", "Initech"], "");
    run(&["tenant", "update", "initech", "--set", "access_token_ttl=60"], "");
    assert!(run(&["tenant", "show", "initech"], "").contains("\"access_token_ttl\": 60"));
    let made = run(
        &[
            "client",
            "create",
            "--tenant",
            "initech",
            "--client-id",
            "c",
            "--grant-type",
            "client_credentials",
            "--scope",
            "",
        ],
        "",
    );
    assert!(made.contains("pcs_"));
    run(&["client", "secret", "--tenant", "initech", "c"], "");
    assert!(
        run(&["client", "list", "--tenant", "initech", "--format", "json"], "")
            .contains("\"client_id\": \"c\"")
    );
    run(
        &["user", "create", "--tenant", "system", "--username", "root", "--role", "operator"],
        "a long password\n",
    );
    assert!(run(&["user", "list", "--tenant", "system"], "").contains("operator"));
    run(&["user", "disable", "--tenant", "system", "root"], "");
    run(&["user", "enable", "--tenant", "system", "root"], "");
    assert!(run(&["session", "list", "--tenant", "acme"], "").contains("USERNAME"));
    assert!(run(&["key", "list", "--tenant", "acme"], "").contains("active"));
    assert!(run(&["key", "rotate", "--tenant", "acme", "--yes"], "").contains("retiring"));
    assert!(run(&["export", "--tenant", "acme"], "").contains("client_id: robot"));
    assert!(run(&["doctor"], "").contains("the master key opens the keys of 3 tenants"));

    let token = run(&["token", "--tenant", "system", "--scope", "admin"], "");
    let bearer = format!("Bearer {}", token.trim());
    let (status, body) =
        server.request("GET", "/api/v1/tenants", &[("Authorization", &bearer)], "").await;
    assert!(status == 200 && body.contains("initech"), "{body}");

    // What a command ends, the running server refuses within its next look.
    let machine = machine_token(&server).await;
    run(&["session", "end", "--tenant", "acme", "--client", "robot", "--dry-run"], "");
    assert!(introspect(&server, &machine).await.1.contains("\"active\":true"));
    run(&["session", "end", "--tenant", "acme", "--client", "robot", "--yes"], "");
    for _ in 0..100 {
        if introspect(&server, &machine).await.1.contains("\"active\":false") {
            return;
        }
        rocket::tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the running server did not hear of it");
}

#[rocket::async_test]
async fn what_is_wrong_is_one_line_and_the_status_says_which_kind() {
    let folder = tempfile::tempdir().unwrap();
    write_master_key(folder.path());
    let database = new_database(folder.path()).await;
    let server = Server::start(folder.path(), &database, &[]).await;
    for (arguments, expected) in [
        (vec!["tenant", "show", "nowhere"], 1),
        (vec!["tenant", "create", "No!"], 1),
        (vec!["apply", "-f", "/does/not/exist"], 1),
        (vec!["token", "--tenant", "system", "--scope", "nope"], 1),
        (vec!["session", "end", "--tenant", "system"], 2),
        (vec!["nonsense"], 2),
        (vec!["tenant", "list", "--format", "xml"], 2),
    ] {
        let (code, _, error) = server.command(&arguments, "");
        assert_eq!(code, expected, "{arguments:?}: {error}");
        if expected == 1 {
            assert_eq!(error.trim().lines().count(), 1, "{error}");
            assert!(error.starts_with("portcullis: "), "{error}");
        }
    }
}

#[test]
fn a_configuration_that_cannot_be_run_with_says_what_to_set() {
    let run = |name: &str, value: &str| {
        let output = std::process::Command::new(Server::binary())
            .arg("doctor")
            .env(name, value)
            .current_dir(tempfile::tempdir().unwrap().path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    };
    assert!(run("PORTCULLIS_BASE_URL", "http://id.example").contains("https"));
    assert!(run("PORTCULLIS_BASE_URL", "https://id.example/path").contains("origin"));
    assert!(run("PORTCULLIS_DATABASE_URL", "mysql://x").contains("sqlite:PATH"));
    assert!(run("PORTCULLIS_TRUSTED_PROXIES", "nonsense").contains("TRUSTED_PROXIES"));
    assert!(run("PORTCULLIS_MANAGEMENT_ADDRESS", "nonsense").contains("MANAGEMENT_ADDRESS"));
}

#[rocket::async_test]
async fn the_demo_prints_a_curl_line_that_works_and_metrics_are_on_the_management_address_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (port, management) = (crate::support::free_port(), crate::support::free_port());
    let mut child = std::process::Command::new(Server::binary())
        .args(["serve", "--demo"])
        .current_dir(folder.path())
        .env("ROCKET_PORT", port.to_string())
        .env("PORTCULLIS_BASE_URL", format!("http://127.0.0.1:{port}"))
        .env("PORTCULLIS_MANAGEMENT_ADDRESS", format!("127.0.0.1:{management}"))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let output = std::io::BufReader::new(child.stdout.take().unwrap());
    let line = std::io::BufRead::lines(output)
        .map(Result::unwrap)
        .find(|line| line.starts_with("curl "))
        .unwrap();
    let ran = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
    let answer = String::from_utf8_lossy(&ran.stdout).into_owned();
    let public = crate::support::plain_http(port, "GET", "/metrics", &[], "").await.unwrap();
    let private = crate::support::plain_http(management, "GET", "/metrics", &[], "").await.unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(answer.contains("access_token"), "{line}: {answer}");
    assert_eq!(public.0, 404);
    assert!(
        private.0 == 200 && private.1.contains("portcullis_token_answers_total"),
        "{}",
        private.1
    );
    for job in ["settle", "sweep", "audit retention"] {
        assert!(
            private.1.contains(&format!("portcullis_job_rows{{job=\"{job}\"}}")),
            "{}",
            private.1
        );
    }
    use std::os::unix::fs::PermissionsExt as _;
    let mode =
        std::fs::metadata(folder.path().join("data/master.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mode = std::fs::metadata(folder.path().join("data")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

/// The help of `command` and of all below it.
fn help_of(command: &mut clap::Command, out: &mut Vec<String>) {
    out.push(command.render_long_help().to_string());
    for inner in command.get_subcommands_mut().filter(|inner| inner.get_name() != "help") {
        help_of(inner, out);
    }
}

#[test]
fn the_help_is_as_its_snapshots_show_it() {
    let (mut command, mut shown) = (cli::arguments(), Vec::new());
    // Only then does each know the whole name that it is called by.
    command.build();
    help_of(&mut command, &mut shown);
    assert!(shown.len() > 20, "the commands were found");
    assert_snapshots("help", &BTreeMap::from([("help".to_owned(), shown.join("\n----\n\n"))]));
}

#[test]
fn every_list_and_report_is_as_its_snapshots_show_it() {
    fn list<T: Serialize>(
        name: &str,
        columns: &[&str],
        items: &[T],
        out: &mut BTreeMap<String, String>,
    ) {
        let items: Vec<Value> =
            items.iter().map(|item| serde_json::to_value(item).unwrap()).collect();
        for (suffix, format) in
            [("table", Format::Table), ("json", Format::Json), ("yaml", Format::Yaml)]
        {
            let text = cli::format_list(&items, columns, format).unwrap();
            out.insert(format!("{name}-{suffix}"), text);
        }
        let one = cli::format_one(&items[0], Format::Table).unwrap();
        out.insert(format!("{name}-one"), one);
        out.insert(format!("{name}-empty"), cli::format_list(&[], columns, Format::Table).unwrap());
    }

    let mut shown = BTreeMap::new();
    list(
        "tenants",
        columns::TENANTS,
        &[samples::tenant(), samples::suspended_tenant()],
        &mut shown,
    );
    list("clients", columns::CLIENTS, &[samples::client(), samples::machine_client()], &mut shown);
    list(
        "users",
        columns::USERS,
        &[samples::user(), samples::disabled_user(), samples::nameless_user()],
        &mut shown,
    );
    list(
        "sessions",
        columns::SESSIONS,
        &[samples::session(), samples::ended_session(), samples::expired_session()],
        &mut shown,
    );
    list("keys", columns::KEYS, &samples::keys(), &mut shown);

    let finding = |part, found: Result<&str, &str>| Finding {
        part,
        found: found.map(str::to_owned).map_err(str::to_owned),
    };
    let findings = [
        finding("base url", Ok("https://id.example")),
        finding("database", Err("lacks 2 migrations: run `portcullis migrate`")),
        finding("proxies", Ok("none is trusted")),
    ];
    shown.insert("doctor".into(), findings.map(|finding| finding.to_string()).join("\n"));

    let field = |field: &str, old: Value, new: Value| FieldChange { field: field.into(), old, new };
    let change = |what, target: &str, fields, secret: Option<&str>| Change {
        what,
        target: target.into(),
        fields,
        secret: secret.map(str::to_owned),
    };
    let changed = vec![
        field("settings.access_token_ttl", json!(900), json!(600)),
        field("name", json!("Acme"), json!("Acme\u{1b}[31m")),
        field("password", Value::Null, json!("(new)")),
    ];
    let changes = [
        change(What::Created, "client acme/web", Vec::new(), Some("pcs_told-this-once")),
        change(What::Changed, "tenant acme", changed, None),
        change(What::Unchanged, "user acme/ada", Vec::new(), None),
        change(What::Removed, "user acme/bob", Vec::new(), None),
    ];
    shown.insert("apply".into(), cli::describe_changes(&changes, false));
    shown.insert("apply-dry-run".into(), cli::describe_changes(&changes[1..3], true));
    assert_snapshots("cli", &shown);
}

#[test]
fn what_a_name_holds_does_not_speak_to_the_terminal() {
    let named = |name: &str| TenantView { name: name.into(), ..samples::tenant() };
    let tenant = serde_json::to_value(named("a\u{1b}[31mb\nc")).unwrap();
    let table = cli::format_list(&[tenant], columns::TENANTS, Format::Table).unwrap();
    assert!(table.contains("a[31mbc") && table.lines().count() == 2, "{table}");
}
