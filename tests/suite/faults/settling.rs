//! Settling what was ended, by a process that dies in the middle of it; and rows that nobody can read.

use std::time::Duration;

use rocket::{futures::future::join_all, http::Method, tokio};
use serde_json::Value;

use super::process::{log_in, seeded};
use crate::support::{Server, TestApp, on_four_threads, on_postgres, sql};

/// Sessions of the tenant when it is ended; ten steps of the job.
const SESSIONS: u32 = 2000;

/// Copies of the one row of `table`, each with an identifier of its own.
fn copies(table: &str, columns: &str, count: u32) -> String {
    let (id, numbers) = match on_postgres() {
        true => (
            "('01000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid",
            format!("generate_series(1, {count}) AS numbers (n)"),
        ),
        false => (
            "unhex('01000000000070008000' || printf('%012x', n))",
            format!(
                "(WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < {count}) \
                 SELECT n FROM counted)"
            ),
        ),
    };
    format!(
        "INSERT INTO {table} (tenant_id, id, {columns}) SELECT tenant_id, {id}, {columns} \
         FROM (SELECT * FROM {table} LIMIT 1) AS one, {numbers}"
    )
}

/// More sessions like the one that there is.
fn more_sessions() -> String {
    let columns = "user_id, kind, client_id, born_seq, auth_time, amr, ip, user_agent, created_at, last_seen_at, expires_at";
    copies("sessions", columns, SESSIONS)
}

/// Has the job fail at one session in the middle, until it is taken away.
fn stumbling_block() -> (String, &'static str) {
    match on_postgres() {
        true => (
            "CREATE FUNCTION stumble() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'a stumbling block'; END $$; \
             CREATE TRIGGER stumble BEFORE UPDATE ON sessions FOR EACH ROW \
             WHEN (NEW.id = '01000000-0000-7000-8000-0000000003e8') EXECUTE FUNCTION stumble()"
                .to_owned(),
            "DROP TRIGGER stumble ON sessions",
        ),
        false => (
            "CREATE TRIGGER stumble BEFORE UPDATE ON sessions \
             WHEN NEW.id = x'010000000000700080000000000003e8' \
             BEGIN SELECT RAISE(ABORT, 'a stumbling block'); END"
                .to_owned(),
            "DROP TRIGGER stumble",
        ),
    }
}

struct Operator<'a> {
    server: &'a Server,
    bearer: String,
}

impl<'a> Operator<'a> {
    fn at(server: &'a Server) -> Self {
        let (code, token, error) = server.command(&["token", "--tenant", "system"], "");
        assert_eq!(code, 0, "{error}");
        Self { server, bearer: format!("Bearer {}", token.trim()) }
    }

    async fn call(&self, method: &str, path: &str) -> Value {
        let headers = [("Authorization", self.bearer.as_str())];
        let (status, body) =
            self.server.request(method, &format!("/api/v1{path}"), &headers, "").await;
        assert_eq!(status, 200, "{method} {path} {body}");
        serde_json::from_str(&body).unwrap()
    }

    async fn settling(&self, event: &Value) -> (i64, bool) {
        let found = self.call("GET", &format!("/revocations/{event}")).await;
        let settling = &found["settling"];
        (settling["rows"].as_i64().unwrap(), settling["finished"].as_bool().unwrap())
    }
}

#[rocket::async_test]
async fn settling_that_dies_with_its_node_is_finished_by_another() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = seeded(folder.path()).await;
    let url = server.database().to_owned();
    log_in(server.port).await;
    sql(&url, &more_sessions()).await;
    let (block, away) = stumbling_block();
    sql(&url, &block).await;
    let operator = Operator::at(&server);
    let ended = operator.call("POST", "/tenants/acme/logout").await;
    let event = ended["event"].clone();
    // The ending is answered and in force while its rows are being settled. Then comes somebody new.
    let later = log_in(server.port).await;
    let (mut rows, mut finished) = (0, false);
    for _ in 0..200 {
        (rows, finished) = operator.settling(&event).await;
        if rows >= 800 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(!finished && (800..1000).contains(&rows), "it stands in the middle: {rows}");
    server.kill();
    sql(&url, away).await;
    let began = std::time::Instant::now();
    server.restart().await;
    let operator = Operator::at(&server);
    let again = operator.settling(&event).await;
    assert!(again.0 >= rows, "what was done is kept");
    // The lease of the dead is over after fifteen seconds.
    while !finished {
        assert!(began.elapsed() < Duration::from_secs(40), "nobody takes it up: {rows}");
        tokio::time::sleep(Duration::from_millis(200)).await;
        (rows, finished) = operator.settling(&event).await;
    }
    eprintln!("settling: finished {:?} after the start, {rows} rows", began.elapsed());
    assert!(rows >= i64::from(SESSIONS), "{rows}");
    let live = operator.call("GET", "/tenants/acme/sessions?active=true&limit=200").await;
    assert_eq!(
        live["items"].as_array().unwrap().len(),
        1,
        "the one that came after it, and no other: {live}"
    );
    super::process::refresh(server.port, &later)
        .await
        .expect("what was born after the ending is good");
}

#[test]
fn a_row_that_cannot_be_read_fails_its_own_rotation_and_no_other() {
    on_four_threads(async {
        let app = TestApp::start().await;
        let acme = app.acme();
        for (table, column, unreadable) in [
            ("token_families", "resource", "{"),
            ("token_families", "scope", "\""),
            ("sessions", "amr", "["),
        ] {
            let broken = acme.sign_in("sam").await;
            let mut tokens = vec![broken.refresh];
            for _ in 0..20 {
                tokens.push(acme.sign_in("ada").await.refresh);
            }
            let sam = "(SELECT id FROM users WHERE username = 'sam' ORDER BY tenant_id)";
            sql(
                app.config.database_url(),
                &format!("UPDATE {table} SET {column} = '{unreadable}' WHERE user_id IN {sam}"),
            )
            .await;
            for round in 0..3 {
                let replies = join_all(tokens.iter().map(|token| acme.refresh(token))).await;
                replies[0].assert_error(500, "server_error");
                for (at, reply) in replies.iter().enumerate().skip(1) {
                    assert_eq!(reply.status, 200, "{table}.{column} round {round}: {}", reply.body);
                    tokens[at] = reply.clone().tokens().refresh;
                }
            }
            // Where an administrator ends what cannot be read, it is gone.
            let users = app.api(Method::Get, "/tenants/acme/users?q=sam", Value::Null).await.json();
            let id = users["items"][0]["id"].as_str().unwrap().to_owned();
            app.api(Method::Post, &format!("/tenants/acme/users/{id}/logout"), Value::Null)
                .await
                .ok();
        }
    });
}

/// More families like the one that there is.
fn more_families(count: u32) -> String {
    let columns = "session_id, user_id, client_id, scope, resource, generation, born_seq, auth_time, amr, created_at, \
                   rotated_at, expires_at";
    copies("token_families", columns, count)
}

#[rocket::async_test]
async fn a_session_with_any_number_of_grants_ends_whole() {
    let app = TestApp::start().await;
    let tokens = app.acme().sign_in("ada").await;
    let me = app.acme().bearer(Method::Get, "/auth/me", &tokens.access).await.json();
    sql(app.config.database_url(), &more_families(700)).await;
    let session = format!("/tenants/acme/sessions/{}", me["sid"].as_str().unwrap());
    let dry = format!("{session}?dry_run=true");
    assert_eq!(app.api(Method::Delete, &dry, Value::Null).await.ok().json()["families"], 701);
    let list =
        app.api(Method::Get, "/tenants/acme/sessions?client=app", Value::Null).await.ok().json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1, "one session, however many its grants");
    let ended = app.api(Method::Delete, &session, Value::Null).await.ok().json();
    assert!(!app.acme().is_active(&tokens.access).await);
    app.acme().refresh(&tokens.refresh).await.assert_error(400, "invalid_grant");
    // The rows that are left say so a little later.
    for _ in 0..500 {
        let found = app
            .api(Method::Get, &format!("/revocations/{}", ended["event"]), Value::Null)
            .await
            .json();
        if found["settling"]["finished"] == true {
            assert_eq!(app.api(Method::Delete, &dry, Value::Null).await.ok().json()["families"], 0);
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("its grants were not settled");
}

/// A job that nobody can do: the tenant of its rows is gone, and what it says is no ending.
#[rocket::async_test]
async fn a_job_that_cannot_be_done_holds_up_no_other_and_many_small_ones_no_large_one() {
    let app = TestApp::start().await;
    let url = app.config.database_url();
    let (low, high) = match on_postgres() {
        true => {
            ("'00000000-0000-0000-0000-000000000000'", "'ffffffff-0000-0000-0000-000000000000'")
        }
        false => ("zeroblob(16)", "x'ffffffff000000000000000000000000'"),
    };
    for (id, lease) in [(low, 0), (high, 1)] {
        let row = format!("({id}, 'mark', {low}, 0, '{{', '', 0, {lease}, 0)");
        let columns = "(id, kind, tenant_id, event_seq, payload, position, rows_done, lease_until, created_at)";
        sql(url, &format!("INSERT INTO jobs {columns} VALUES {row}")).await;
    }
    app.acme().sign_in("ada").await;
    sql(url, &more_sessions()).await;
    let large = app.api(Method::Post, "/tenants/acme/logout", Value::Null).await.ok().json();
    let users = app.api(Method::Get, "/tenants/globex/users", Value::Null).await.ok().json();
    let user = users["items"][0]["id"].as_str().unwrap();
    // As many small ones as it takes: one for each look at how far the large one is.
    for _ in 0..1000 {
        app.api(Method::Post, &format!("/tenants/globex/users/{user}/logout"), Value::Null)
            .await
            .ok();
        let found = app
            .api(Method::Get, &format!("/revocations/{}", large["event"]), Value::Null)
            .await
            .json();
        if found["settling"]["finished"] == true {
            return;
        }
    }
    panic!("the large one was not settled");
}
