//! Redis and PostgreSQL going away, with instances of the test's own.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use portcullis::domain::{EndReason, Ending};
use rocket::{http::Method, tokio};
use serde_json::Value;

use crate::support::{Postgres, Server, TestApp, free_port, write_master_key};

struct Redis {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Redis {
    async fn start(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let child = Self::spawn(port, folder.path().to_owned(), more);
        let redis = Self { child, port, folder };
        redis.wait().await;
        redis
    }

    fn spawn(port: u16, folder: PathBuf, more: &[&str]) -> Child {
        Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
            .arg(folder)
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server is installed by `make test`")
    }

    async fn wait(&self) {
        for _ in 0..200 {
            if tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("redis does not start");
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    async fn command(&self, words: &[&str]) -> redis::Value {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut command = redis::cmd(words[0]);
        for word in &words[1..] {
            command.arg(*word);
        }
        command.query_async(&mut connection).await.unwrap()
    }

    async fn cutoffs(&self) -> usize {
        match self.command(&["KEYS", "portcullis:cutoff:*"]).await {
            redis::Value::Array(keys) => keys.len(),
            redis::Value::Set(keys) => keys.len(),
            other => panic!("{other:?}"),
        }
    }

    /// Waits until Redis holds at least `count` cut-offs, as it does soon after they are committed.
    async fn holds(&self, count: usize) {
        for _ in 0..200 {
            if self.cutoffs().await >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("redis does not hold {count} cut-offs");
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = &self.folder;
    }
}

async fn app_with(redis: &Redis) -> TestApp {
    let url = redis.url();
    TestApp::start_with(|mut config| {
        config.redis_url = Some(url.into());
        config
    })
    .await
}

async fn log_out(app: &TestApp) {
    app.api(Method::Post, "/tenants/acme/logout", Value::Null).await.ok();
}

#[rocket::async_test]
async fn a_revocation_is_listed_in_redis_and_announced_there() {
    let redis = Redis::start(&[]).await;
    let app = app_with(&redis).await;
    let client = redis::Client::open(format!("{}/?protocol=resp3", redis.url())).unwrap();
    let (heard, mut messages) = tokio::sync::mpsc::unbounded_channel();
    let config = redis::AsyncConnectionConfig::new().set_push_sender(heard);
    let mut connection =
        client.get_multiplexed_async_connection_with_config(&config).await.unwrap();
    connection.subscribe("portcullis:events").await.unwrap();
    log_out(&app).await;
    redis.holds(1).await;
    let message = loop {
        let push = messages.recv().await.unwrap();
        if push.kind == redis::PushKind::Message {
            break push;
        }
    };
    assert_eq!(message.data.len(), 2);
}

#[rocket::async_test]
async fn what_a_dying_process_did_not_write_to_redis_the_next_node_writes() {
    let redis = Redis::start(&[]).await;
    let app = app_with(&redis).await;
    app.acme().sign_in("ada").await;
    // As a command does that commits and ends: no listener, no Redis.
    let pool = portcullis::storage::Pool::open(app.config.database_url(), 2).await.unwrap();
    let silent = portcullis::storage::Storage::new(pool);
    let permit = app.permit("acme").await;
    let mut unit = silent.write(permit.tenant()).await.unwrap();
    let mut store = unit.tenant(permit.tenant());
    assert!(store.hold(&Ending::Tenant).await.unwrap());
    let _ = store.end(Ending::Tenant, EndReason::Forced);
    unit.commit().await.unwrap();
    redis.holds(1).await;
}

#[rocket::async_test]
async fn f9_a_redis_that_was_flushed_is_filled_again_and_nothing_comes_back_to_life() {
    let redis = Redis::start(&[]).await;
    let app = app_with(&redis).await;
    let tokens = app.acme().sign_in("ada").await;
    log_out(&app).await;
    redis.holds(1).await;
    redis.command(&["FLUSHALL"]).await;
    assert!(!app.acme().is_active(&tokens.access).await);
    redis.holds(1).await;
}

#[rocket::async_test]
async fn f7_without_redis_revocations_hold_and_when_it_is_back_it_is_filled() {
    let mut redis = Redis::start(&[]).await;
    let app = app_with(&redis).await;
    let node = app.another_node().await;
    let tokens = app.acme().sign_in("ada").await;
    redis.child.kill().unwrap();
    redis.child.wait().unwrap();
    log_out(&app).await;
    assert!(!app.acme().is_active(&tokens.access).await);
    node.follow().await;
    assert!(!node.acme().is_active(&tokens.access).await);
    assert_eq!(app.get("/readyz").await.status, 200);
    redis.child = Redis::spawn(redis.port, redis.folder.path().to_owned(), &[]);
    redis.wait().await;
    redis.holds(1).await;
}

#[rocket::async_test]
async fn f8_a_redis_that_hangs_holds_nobody_up() {
    let redis = Redis::start(&[]).await;
    let app = app_with(&redis).await;
    let tokens = app.acme().sign_in("ada").await;
    redis.signal("-STOP");
    // Were any of these to wait for Redis, none of them would come back before it is woken.
    log_out(&app).await;
    assert!(!app.acme().is_active(&tokens.access).await);
    app.clock.advance_millis(1);
    app.acme().sign_in("ada").await;
    redis.signal("-CONT");
    redis.holds(1).await;
}

#[rocket::async_test]
async fn f10_a_redis_that_is_full_changes_nothing() {
    let redis = Redis::start(&["--maxmemory", "1", "--maxmemory-policy", "noeviction"]).await;
    let app = app_with(&redis).await;
    let tokens = app.acme().sign_in("ada").await;
    log_out(&app).await;
    assert!(!app.acme().is_active(&tokens.access).await);
    assert_eq!(redis.cutoffs().await, 0);
    assert_eq!(app.get("/readyz").await.status, 200);
}

#[rocket::async_test]
async fn f5_while_postgresql_is_away_nothing_is_denied_wrongly_and_afterwards_all_is_as_before() {
    let postgres = Postgres::start();
    let url = postgres.url();
    let app = TestApp::start_with(move |config| {
        let mut with = portcullis::config::Config::for_tests(
            crate::support::BASE,
            &url,
            config.master_key_file,
        )
        .unwrap();
        with.database_connections = 4;
        with
    })
    .await;
    let tokens = app.acme().sign_in("ada").await;
    postgres.down();
    let refresh = app.acme().refresh(&tokens.refresh).await;
    refresh.assert_error(503, "temporarily_unavailable");
    assert!(refresh.header("retry-after").is_some());
    // Tokens are made and checked from memory while the view is fresh, and never called inactive.
    let told = app.acme().introspect(&tokens.access).await;
    assert!(told.status == 503 || told.json()["active"] == true, "{} {}", told.status, told.body);
    assert_eq!(app.get("/healthz").await.status, 200);
    assert_eq!(app.get("/readyz").await.status, 503);
    assert_eq!(app.get("/readyz").await.json()["parts"]["database"], "away");
    postgres.up();
    let mut answer = app.acme().refresh(&tokens.refresh).await;
    for _ in 0..50 {
        if answer.status != 503 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        answer = app.acme().refresh(&tokens.refresh).await;
    }
    answer.ok();
    // Each connection that has died answers one request at most, and is then replaced.
    let mut refused = 0;
    for _ in 0..30 {
        let reply = app.acme().refresh(&tokens.refresh).await;
        assert!(matches!(reply.status, 200 | 503), "{} {}", reply.status, reply.body);
        refused += usize::from(reply.status == 503);
    }
    assert!(refused <= 4, "{refused} of 30 after it was back");
}

#[rocket::async_test]
async fn f12_a_node_that_can_ask_nobody_says_that_it_cannot_say() {
    let postgres = Postgres::start();
    let folder = tempfile::tempdir().unwrap();
    write_master_key(folder.path());
    let server = Server::start(folder.path(), &postgres.url(), &[]).await;
    let file = crate::cli::MACHINE_FILE;
    let (code, _, error) = server.command(&["apply", "-f", "-"], file);
    assert_eq!(code, 0, "{error}");
    let token = crate::cli::machine_token(&server).await;
    let introspect = || crate::cli::introspect(&server, &token);
    let (status, body) = introspect().await;
    assert!(status == 200 && body.contains("\"active\":true"), "{status} {body}");
    postgres.down();
    // It may answer from its own view for as long as that is fresh, and no longer.
    for _ in 0..200 {
        let (status, body) = introspect().await;
        if status == 503 {
            let (status, _) = server.request("GET", "/healthz", &[], "").await;
            assert_eq!(status, 200);
            return;
        }
        assert!(body.contains("\"active\":true"), "{status} {body}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it goes on answering from a view that nobody has confirmed");
}
