//! The drill: a backup is put back, by whoever and however; nothing of before comes to life, and
//! no honest client is taken for a thief.

use std::{collections::BTreeMap, path::Path, process::Command, time::Duration};

use rocket::{http::Method, tokio};
use serde_json::{Value, json};

use crate::support::{
    Agent, BASE, Server, Stopped, TestApp, TestTenant, Tokens, head_in_redis, on_postgres,
    postgres_bin, psql,
};

/// The database of a test's installation, backed up and put back.
struct Backup {
    url: String,
    file: String,
}

impl Backup {
    fn server(&self) -> (u16, String) {
        let url = url::Url::parse(&self.url).unwrap();
        (url.port().unwrap(), url.path().trim_start_matches('/').to_owned())
    }

    /// Takes one of a running installation.
    fn of(app: &TestApp, folder: &Path) -> Self {
        let backup = Self {
            url: app.config.database_url().to_owned(),
            file: folder.join("backup").display().to_string(),
        };
        match backup.path() {
            Some(path) => {
                use diesel::connection::SimpleConnection as _;
                crate::support::sqlite_beside(path)
                    .batch_execute(&format!("VACUUM INTO '{}'", backup.file))
                    .unwrap();
            }
            None => {
                let (port, name) = backup.server();
                backup.tool("pg_dump", &["-Fc", "-f", &backup.file, &name], port);
            }
        }
        backup
    }

    /// The rows of each table in the database as it stands.
    fn counts(&self) -> BTreeMap<String, i64> {
        let counted = |tables: Vec<String>, count: &mut dyn FnMut(&str) -> i64| {
            assert!(tables.len() > 10, "{tables:?}");
            tables
                .into_iter()
                .map(|table| (table.clone(), count(&format!("SELECT count(*) FROM {table}"))))
                .collect()
        };
        match self.path() {
            Some(path) => {
                use diesel::prelude::*;
                #[derive(diesel::QueryableByName)]
                struct Name {
                    #[diesel(sql_type = diesel::sql_types::Text)]
                    name: String,
                }
                let mut conn = crate::support::sqlite_beside(path);
                let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'";
                let tables = diesel::sql_query(tables).load::<Name>(&mut conn).unwrap();
                counted(tables.into_iter().map(|table| table.name).collect(), &mut |query| {
                    let rows = diesel::sql_query(format!("SELECT CAST(({query}) AS TEXT) AS name"));
                    rows.get_result::<Name>(&mut conn).unwrap().name.parse().unwrap()
                })
            }
            None => {
                let (port, name) = self.server();
                let tables = psql(
                    port,
                    &name,
                    &["SELECT tablename FROM pg_tables WHERE schemaname = 'public'"],
                );
                counted(tables.lines().map(str::to_owned).collect(), &mut |query| {
                    psql(port, &name, &[query]).parse().unwrap()
                })
            }
        }
    }

    fn path(&self) -> Option<&str> {
        self.url.strip_prefix("sqlite:")
    }

    fn tool(&self, tool: &str, arguments: &[&str], port: u16) {
        let mut command = Command::new(postgres_bin().join(tool));
        command
            .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-U", "postgres"])
            .args(arguments);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{tool}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Puts it in the place of the database; on PostgreSQL it is whole before it gets the name.
    fn put_back(&self) {
        match self.path() {
            Some(path) => {
                for suffix in ["-wal", "-shm"] {
                    let _ = std::fs::remove_file(format!("{path}{suffix}"));
                }
                let draft = format!("{path}.draft");
                std::fs::copy(&self.file, &draft).unwrap();
                std::fs::rename(&draft, path).unwrap();
            }
            None => {
                let (port, name) = self.server();
                psql(port, "postgres", &[&format!("CREATE DATABASE {name}_new OWNER portcullis")]);
                self.tool("pg_restore", &["-d", &format!("{name}_new"), &self.file], port);
                let drop = format!("DROP DATABASE {name} WITH (FORCE)");
                psql(
                    port,
                    "postgres",
                    &[&drop, &format!("ALTER DATABASE {name}_new RENAME TO {name}")],
                );
            }
        }
    }

    /// The same into the live database of a running node, as `sqlite3 FILE '.restore BACKUP'` does it.
    fn put_back_live(&self) {
        let Some(path) = self.path() else { return self.put_back() };
        let script = "import sqlite3, sys\n\
            sqlite3.connect(sys.argv[1]).backup(sqlite3.connect(sys.argv[2], timeout=30))\n";
        let status =
            Command::new("python3").args(["-c", script, &self.file, path]).status().unwrap();
        assert!(status.success());
    }
}

/// Everything that somebody holds when the database is put back.
struct Held {
    /// Of before the backup: kept, logged out after it, rotated after it, of a user disabled after
    /// it; and a sign-in of after it.
    tokens: Vec<(&'static str, Tokens)>,
    code: String,
    cookies: BTreeMap<String, String>,
}

/// Has people come, a backup taken, and things happen afterwards.
async fn live_through(app: &TestApp, folder: &Path) -> (Held, Backup) {
    let acme = app.acme();
    let mut tokens = Vec::new();
    let kept = acme.sign_in("ada").await;
    let logged_out = acme.sign_in("ada").await;
    let rotated = acme.sign_in("ada").await;
    let disabled = acme.sign_in("alan").await;
    let mut agent = Agent::new(app);
    agent.log_in(acme, "grace").await;
    let reply = agent.authorize(&acme.authorization("app", &[])).await;
    let code = reply.callback()["code"].clone();
    agent.get("/t/acme/account").await.ok();
    let backup = Backup::of(app, folder);

    let once = acme.refresh(&rotated.refresh).await.tokens();
    let twice = acme.refresh(&once.refresh).await.tokens();
    let later = acme.sign_in("sam").await;
    assert_eq!(acme.bearer(Method::Post, "/auth/logout", &logged_out.access).await.status, 204);
    let users = app.api(Method::Get, "/tenants/acme/users?q=alan", Value::Null).await.json();
    let id = users["items"][0]["id"].as_str().unwrap().to_owned();
    app.api(Method::Patch, &format!("/tenants/acme/users/{id}"), json!({ "status": "disabled" }))
        .await
        .ok();
    for (name, held) in [
        ("kept", kept),
        ("logged out", logged_out),
        ("rotated away", rotated),
        ("rotated once", once),
        ("rotated twice", twice),
        ("of a disabled user", disabled),
        ("of after the backup", later),
    ] {
        tokens.push((name, held));
    }
    (Held { tokens, code, cookies: agent.cookies }, backup)
}

/// Nothing of it is good, each is told so in the right way, and who comes anew is served.
async fn assert_nothing_came_back(app: &TestApp, held: &Held) {
    let acme = app.acme();
    for (name, tokens) in &held.tokens {
        let refused = acme.refresh(&tokens.refresh).await;
        assert_eq!(
            (refused.status, refused.json()["error"].as_str()),
            (400, Some("invalid_grant")),
            "{name}"
        );
        assert!(!acme.is_active(&tokens.access).await, "{name}");
        let refused = acme.bearer(Method::Get, "/oauth2/userinfo", &tokens.access).await;
        assert_eq!(
            (refused.status, refused.json()["error"].as_str()),
            (401, Some("invalid_token")),
            "{name}"
        );
    }
    acme.redeem(&held.code).await.assert_error(400, "invalid_grant");
    let mut agent = Agent::new(app);
    agent.cookies = held.cookies.clone();
    let shown = agent.get("/t/acme/account").await;
    assert_eq!(shown.location(), "/t/acme/login");
    app.site.app.audit.flush().await;
    for thief in ["refresh.reuse", "code.reuse"] {
        assert!(!app.audited("acme", thief).await, "an honest client is called a thief: {thief}");
    }
    fresh(acme).await;
    fresh(app.globex()).await;
}

async fn fresh(tenant: TestTenant<'_>) {
    let tokens = tenant.sign_in("ada").await;
    let next = tenant.refresh(&tokens.refresh).await.tokens();
    assert!(tenant.is_active(&next.access).await && tenant.is_active(&tokens.access).await);
    let code = tenant.code("app", "ada").await;
    tenant.redeem(&code).await.ok();
}

fn begun(app: &TestApp) -> i64 {
    app.site.app.view.applied().epoch()
}

/// Runs a command of the real binary over the database of a node that was stopped.
fn portcullis(node: &Stopped, arguments: &[&str]) {
    let output = Command::new(Server::binary())
        .args(arguments)
        .env("PORTCULLIS_BASE_URL", BASE)
        .env("PORTCULLIS_DATABASE_URL", node.config.database_url())
        .env("PORTCULLIS_MASTER_KEY_FILE", &node.config.master_key_file)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Waits until what stands outside the database knows the last number.
async fn until_remembered(app: &TestApp) {
    let mut unit = app.site.app.storage.read_installation().await.unwrap();
    let (head, installation) = (unit.head().await.unwrap(), unit.installation().await.unwrap());
    drop(unit);
    for _ in 0..200 {
        let known = match app.config.database_url().strip_prefix("sqlite:") {
            Some(path) => std::fs::read_to_string(format!("{path}.head")).unwrap_or_default(),
            None => head_in_redis(installation).await.unwrap_or_default(),
        };
        if known.trim().ends_with(&head.to_string()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the last number is remembered nowhere");
}

/// What a restore adds to: everybody's endings and their settling, the trail, and what nodes say.
const WRITTEN_BY_A_RESTORE: [&str; 4] = ["revocation_events", "jobs", "audit_events", "nodes"];

#[rocket::async_test]
async fn f25_what_is_put_back_is_what_was_there_and_a_restore_loses_nothing_of_it() {
    let (folder, app) = (tempfile::tempdir().unwrap(), TestApp::start().await);
    app.acme().sign_in("ada").await;
    app.acme().code("web", "grace").await;
    app.site.app.audit.flush().await;
    let backup = Backup::of(&app, folder.path());
    let then = backup.counts();
    for table in
        ["tenants", "users", "clients", "signing_keys", "sessions", "token_families", "consents"]
    {
        assert!(then[table] > 0, "{table}: {then:?}");
    }
    app.acme().sign_in("alan").await;
    app.api(Method::Delete, "/tenants/acme/clients/web", Value::Null).await.ok();
    assert_ne!(backup.counts(), then, "nothing happened after the backup");
    let node = app.stop().await;
    backup.put_back();
    assert_eq!(backup.counts(), then);
    if let Some(path) = backup.path() {
        std::fs::remove_file(format!("{path}.head")).unwrap();
    }
    portcullis(&node, &["restore", "--yes"]);
    let kept = |mut counts: BTreeMap<String, i64>| {
        counts.retain(|table, _| !WRITTEN_BY_A_RESTORE.contains(&table.as_str()));
        counts
    };
    assert_eq!(kept(backup.counts()), kept(then));
}

#[rocket::async_test]
async fn s3_f25_after_portcullis_restore_nothing_of_before_is_good_and_nobody_is_called_a_thief() {
    let (folder, app) = (tempfile::tempdir().unwrap(), TestApp::start().await);
    let (held, backup) = live_through(&app, folder.path()).await;
    let node = app.stop().await;
    backup.put_back();
    // Another machine: what stood beside the database is not there.
    if let Some(path) = backup.path() {
        std::fs::remove_file(format!("{path}.head")).unwrap();
    }
    portcullis(&node, &["restore", "--yes"]);
    let app = node.start().await;
    assert_eq!(begun(&app), 1, "one epoch was begun, by the command");
    assert_nothing_came_back(&app, &held).await;
}

#[rocket::async_test]
async fn s3_f25_a_start_that_finds_the_database_behind_what_is_remembered_does_the_same_by_itself()
{
    let (folder, app) = (tempfile::tempdir().unwrap(), TestApp::start().await);
    let (held, backup) = live_through(&app, folder.path()).await;
    until_remembered(&app).await;
    let node = app.stop().await;
    backup.put_back();
    let app = node.start().await;
    assert_eq!(begun(&app), 1);
    assert_nothing_came_back(&app, &held).await;
    // And once only: the next start finds nothing amiss.
    let tokens = app.acme().sign_in("ada").await;
    until_remembered(&app).await;
    let app = app.stop().await.start().await;
    assert_eq!(begun(&app), 1);
    assert!(app.acme().is_active(&tokens.access).await);
    app.acme().refresh(&tokens.refresh).await.ok();
}

#[rocket::async_test]
async fn s3_f25_a_database_that_is_replaced_under_a_running_node_is_noticed() {
    let (folder, app) = (tempfile::tempdir().unwrap(), TestApp::start().await);
    let (held, backup) = live_through(&app, folder.path()).await;
    let another = app.another_node().await;
    backup.put_back_live();
    for _ in 0..400 {
        if begun(&app) > 0 && begun(&another) > 0 {
            break;
        }
        // Whoever comes in between is told the truth, or to come later.
        let (_, twice) = &held.tokens[4];
        let reply = app.acme().refresh(&twice.refresh).await;
        assert!(matches!(reply.status, 400 | 503), "{} {}", reply.status, reply.body);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(
        (begun(&app), begun(&another)),
        (1, 1),
        "of two nodes that notice one begins the epoch"
    );
    assert_nothing_came_back(&app, &held).await;
    another.follow().await;
    assert_nothing_came_back(&another, &held).await;
}

#[rocket::async_test]
async fn s3_f25_a_node_whose_file_was_replaced_acknowledges_nothing_until_it_is_started_anew() {
    if on_postgres() {
        // What replaces a database there closes its connections.
        return;
    }
    let (folder, app) = (tempfile::tempdir().unwrap(), TestApp::start().await);
    let (held, backup) = live_through(&app, folder.path()).await;
    until_remembered(&app).await;
    backup.put_back();
    for _ in 0..200 {
        if app.get("/readyz").await.status == 503 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (_, later) = &held.tokens[6];
    app.acme().refresh(&later.refresh).await.assert_error(503, "temporarily_unavailable");
    app.acme()
        .bearer(Method::Get, "/oauth2/userinfo", &later.access)
        .await
        .assert_error(503, "temporarily_unavailable");
    let app = app.stop().await.start().await;
    assert_eq!(begun(&app), 1);
    assert_nothing_came_back(&app, &held).await;
}
