//! A SQLite file whose write lock another process holds.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use rocket::{
    http::Method,
    tokio::time::{Duration, Instant, sleep},
};
use serde_json::{Value, json};

use crate::support::{Agent, PASSWORD, TestApp, on_four_threads, on_postgres};

const LIMIT: Duration = Duration::from_secs(4);

/// Another process that has begun to write and does not come to an end.
pub(super) struct Writer(Child);

impl Writer {
    pub(super) fn at(path: &str) -> Self {
        let script = "import sqlite3, sys\n\
            c = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
            c.execute('BEGIN IMMEDIATE')\n\
            print('held', flush=True)\n\
            sys.stdin.read()\n";
        let mut child = Command::new("python3")
            .args(["-c", script, path])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is installed by `make test`");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "held\n");
        Self(child)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn o12_while_another_process_writes_reads_go_on_and_writes_are_answered_503_in_time() {
    if on_postgres() {
        return;
    }
    on_four_threads(async {
        let app = TestApp::start().await;
        let acme = app.acme();
        let (ada, sam) = (acme.sign_in("ada").await, acme.sign_in("sam").await);
        let mut agent = Agent::new(&app);
        agent.log_in(acme, "grace").await;
        let operator = app.operator_token().await;
        let users =
            app.api_as(&operator, Method::Get, "/tenants/acme/users", Value::Null).await.json();
        let id = users["items"][0]["id"].as_str().unwrap().to_owned();
        let path = app.config.database_url().strip_prefix("sqlite:").unwrap().to_owned();
        let writer = Writer::at(&path);
        let user = format!("/tenants/acme/users/{id}");
        let mut longest = Duration::ZERO;
        // While the node still has its lease, and when it no longer has.
        for _ in 0..6 {
            let began = Instant::now();
            let refresh = async { (acme.refresh(&ada.refresh).await, began.elapsed()) };
            let login = json!({ "username": "alan", "password": PASSWORD, "client_id": "app" });
            let login = async { (acme.post_json("/auth/login", login).await, began.elapsed()) };
            let patch = async {
                (
                    app.api_as(&operator, Method::Patch, &user, json!({ "name": "N" })).await,
                    began.elapsed(),
                )
            };
            let logout = async {
                (acme.bearer(Method::Post, "/auth/logout", &sam.access).await, began.elapsed())
            };
            let (refresh, login, patch, logout) =
                rocket::tokio::join!(refresh, login, patch, logout);
            for (reply, took) in [refresh, login, patch, logout] {
                assert_eq!(reply.status, 503, "{}", reply.body);
                assert!(reply.header("retry-after").is_some(), "{reply:?}");
                assert!(took <= LIMIT, "{took:?}");
                longest = longest.max(took);
            }
            let began = Instant::now();
            acme.bearer(Method::Get, "/oauth2/userinfo", &ada.access).await.ok();
            assert!(acme.is_active(&ada.access).await && acme.is_active(&sam.access).await);
            acme.post_as_web("token", &[("grant_type", "client_credentials")]).await.ok();
            app.api_as(&operator, Method::Get, "/tenants/acme/users", Value::Null).await.ok();
            agent.get("/t/acme/account").await.ok();
            app.get("/readyz").await.ok();
            assert!(began.elapsed() <= LIMIT, "reads took {:?}", began.elapsed());
        }
        eprintln!("o12: longest 503 {longest:?}");
        drop(writer);
        let began = Instant::now();
        // What was answered 503 was not done, or its retry is owed the same answer.
        app.age_rotations("acme", 100_000).await;
        let mut reply = acme.refresh(&ada.refresh).await;
        while reply.status == 503 && began.elapsed() < Duration::from_secs(5) {
            sleep(Duration::from_millis(50)).await;
            reply = acme.refresh(&ada.refresh).await;
        }
        reply.ok();
        assert!(acme.is_active(&sam.access).await, "a logout that was answered 503 was not done");
        acme.sign_in("alan").await;
        app.api_as(&operator, Method::Patch, &user, json!({ "name": "N" })).await.ok();
        assert!(!app.audited("acme", "refresh.reuse").await);
    });
}
