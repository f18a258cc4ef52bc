//! Several nodes over one database.

use std::sync::Arc;

use portcullis::domain::{EndReason, Ending};
use rocket::{
    futures::future::join_all,
    http::Method,
    tokio::{self, sync::Barrier},
};
use serde_json::Value;

use crate::support::{
    Server, TestApp, kid, new_database, on_four_threads, on_postgres, sql, write_master_key,
};

#[rocket::async_test]
async fn f11_a_node_that_no_message_reached_refuses_after_its_next_look() {
    let app = TestApp::start().await;
    let node = app.another_node().await;
    let tokens = app.acme().sign_in("ada").await;
    assert!(node.acme().is_active(&tokens.access).await);
    app.api(Method::Post, "/tenants/acme/logout", Value::Null).await.ok();
    // The refresh reads SQL itself: it is refused everywhere at once.
    node.acme().refresh(&tokens.refresh).await.assert_error(400, "invalid_grant");
    node.follow().await;
    assert!(!node.acme().is_active(&tokens.access).await);
}

#[rocket::async_test]
async fn f4_a_revocation_that_was_committed_and_never_announced_still_lands() {
    let app = TestApp::start().await;
    let tokens = app.acme().sign_in("ada").await;
    // A process that writes and dies at once: no listener, no Redis, only the committed rows.
    let pool = portcullis::storage::Pool::open(app.config.database_url(), 2).await.unwrap();
    let silent = portcullis::storage::Storage::new(pool);
    let permit = app.permit("acme").await;
    let mut unit = silent.write(permit.tenant()).await.unwrap();
    let mut store = unit.tenant(permit.tenant());
    assert!(store.hold(&Ending::Tenant).await.unwrap());
    let _ = store.end(Ending::Tenant, EndReason::Forced);
    unit.commit().await.unwrap();
    app.follow().await;
    assert!(!app.acme().is_active(&tokens.access).await);
}

#[rocket::async_test]
async fn what_one_node_changes_another_serves() {
    let app = TestApp::start().await;
    let node = app.another_node().await;
    let grant = [("grant_type", "client_credentials")];
    node.acme().post_as_web("token", &grant).await.ok();
    app.api(Method::Delete, "/tenants/acme/clients/web", Value::Null).await.ok();
    node.follow().await;
    node.acme().post_as_web("token", &grant).await.assert_error(401, "invalid_client");
    app.api(Method::Delete, "/tenants/globex", Value::Null).await.ok();
    node.follow().await;
    assert_eq!(node.get("/t/globex/oauth2/jwks").await.status, 404);
    let before = node.get("/t/acme/oauth2/jwks").await.body;
    app.api(Method::Post, "/tenants/acme/keys/rotate", Value::Null).await.ok();
    node.follow().await;
    assert_ne!(before, node.get("/t/acme/oauth2/jwks").await.body);
}

#[rocket::async_test]
async fn f21_without_a_free_connection_the_answer_is_503_and_a_retry_goes_on() {
    let app = TestApp::start_with(|mut config| {
        config.database_connections = 1;
        config
    })
    .await;
    let tokens = app.acme().sign_in("ada").await;
    let held = app.site.app.storage.read_installation().await.unwrap();
    let refused = app.acme().bearer(Method::Get, "/oauth2/userinfo", &tokens.access).await;
    refused.assert_error(503, "temporarily_unavailable");
    // Neither health nor following the events waits for requests.
    assert_eq!(app.get("/healthz").await.status, 200);
    assert_eq!(app.get("/readyz").await.status, 200);
    // A client that is not in memory yet cannot be checked: that is no failure to authenticate.
    let robot = crate::support::basic("robot", crate::support::SECRET);
    let machine =
        app.acme().post_basic("token", &robot, &[("grant_type", "client_credentials")]).await;
    machine.assert_error(503, "temporarily_unavailable");
    drop(held);
    assert!(app.site.app.client_failures.is_empty());
    for _ in 0..20 {
        let reply = app.acme().refresh(&tokens.refresh).await;
        if reply.status == 200 {
            return;
        }
        reply.assert_error(503, "temporarily_unavailable");
    }
    panic!("it does not recover");
}

/// So often: the moment in which two can meet is short.
const ROTATIONS: usize = 8;

/// The kids of a tenant's keys in a state.
async fn kids_in(app: &TestApp, state: &str) -> Vec<String> {
    let keys = app.api(Method::Get, "/tenants/acme/keys", Value::Null).await.ok().json();
    let keys = keys["items"].as_array().unwrap().iter().filter(|key| key["state"] == state);
    keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn f20_of_nodes_that_rotate_at_once_one_does_and_both_sign_with_its_key() {
    on_four_threads(async {
        let app = Arc::new(TestApp::start().await);
        let nodes = [Arc::clone(&app), Arc::new(app.another_node().await)];
        for round in 0..ROTATIONS {
            // The next key must be known to verifiers before it may sign.
            app.clock.advance(301);
            let (active, next) = (kids_in(&app, "active").await, kids_in(&app, "next").await);
            let start = Arc::new(Barrier::new(nodes.len()));
            let rotations = nodes.iter().cloned().map(|node| {
                let start = Arc::clone(&start);
                tokio::spawn(async move {
                    let token = node.operator_token().await;
                    start.wait().await;
                    node.api_as(&token, Method::Post, "/tenants/acme/keys/rotate", Value::Null)
                        .await
                })
            });
            let mut statuses = Vec::new();
            for rotation in rotations.collect::<Vec<_>>() {
                statuses.push(rotation.await.unwrap().status);
            }
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 409], "in round {round}");
            assert_eq!(kids_in(&app, "active").await, next, "the next key signs, in round {round}");
            assert_eq!(kids_in(&app, "next").await.len(), 1, "in round {round}");
            assert!(kids_in(&app, "retiring").await.contains(&active[0]), "in round {round}");
            for node in &nodes {
                node.follow().await;
                assert_eq!(
                    kid(&node.acme().sign_in("ada").await.access),
                    next[0],
                    "in round {round}"
                );
            }
        }
    });
}

#[rocket::async_test]
async fn nodes_that_migrate_at_once_both_succeed() {
    let folder = tempfile::tempdir().unwrap();
    let url = new_database(folder.path()).await;
    let migrate = || async {
        let pool = portcullis::storage::Pool::open(&url, 2).await.unwrap();
        portcullis::storage::Storage::new(pool).migrate().await.unwrap()
    };
    let ran = join_all((0..4).map(|_| migrate())).await;
    assert_eq!(ran.iter().filter(|ran| !ran.is_empty()).count(), 1, "{ran:?}");
}

/// Killed at each of its writes, for as long as it gets so far.
#[rocket::async_test]
async fn f17_a_migration_that_is_killed_at_any_write_is_done_by_the_next() {
    if on_postgres() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let shim = super::process::durable_shim(folder.path());
    let key = write_master_key(folder.path());
    let mut deaths = 0;
    // The first ones one by one, then in strides: a migration writes some hundred pages alike.
    for at in (1..30).chain((30..).step_by(37)) {
        let file = folder.path().join(format!("at{at}.db"));
        let migrate = |die: bool| {
            let mut command = std::process::Command::new(Server::binary());
            command
                .arg("migrate")
                .current_dir(folder.path())
                .env("PORTCULLIS_MASTER_KEY_FILE", &key);
            command.env("PORTCULLIS_DATABASE_URL", format!("sqlite:{}", file.display()));
            if die {
                command.env("LD_PRELOAD", &shim).env("DIE_AT", at.to_string());
            }
            command.output().unwrap().status
        };
        if migrate(true).success() {
            break;
        }
        deaths += 1;
        assert!(migrate(false).success(), "after a death at write {at}");
        let storage = portcullis::storage::Pool::open(&format!("sqlite:{}", file.display()), 2)
            .await
            .unwrap();
        let storage = portcullis::storage::Storage::new(storage);
        assert!(
            storage.pending_migrations().await.unwrap().is_empty(),
            "after a death at write {at}"
        );
    }
    assert!(deaths > 10, "it died {deaths} times");
}

/// Killed at one table and at another: somebody who makes it at the same time has it wait there.
#[rocket::async_test]
async fn f17_a_migration_that_is_killed_on_the_way_is_done_by_the_next() {
    if !on_postgres() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let key = write_master_key(folder.path());
    for table in ["tenants", "users", "sessions", "revocation_head", "audit_events"] {
        let url = new_database(folder.path()).await;
        let (client, connection) =
            tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        rocket::tokio::spawn(connection);
        client.batch_execute(&format!("BEGIN; CREATE TABLE {table} (x INTEGER)")).await.unwrap();
        // A transaction sees what others do as it was when it first looked.
        let (watcher, connection) =
            tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        rocket::tokio::spawn(connection);
        let mut command = std::process::Command::new(Server::binary());
        command
            .arg("migrate")
            .env("PORTCULLIS_MASTER_KEY_FILE", &key)
            .env("PORTCULLIS_DATABASE_URL", &url);
        let mut first = command.spawn().unwrap();
        let waits = "SELECT count(*) FROM pg_stat_activity \
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while watcher.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) == 0 {
            assert!(first.try_wait().unwrap().is_none(), "it did not wait at {table}");
            rocket::tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        first.kill().unwrap();
        first.wait().unwrap();
        client.batch_execute("ROLLBACK").await.unwrap();
        assert!(command.status().unwrap().success(), "after a death at {table}");
        let storage = portcullis::storage::Storage::new(
            portcullis::storage::Pool::open(&url, 2).await.unwrap(),
        );
        assert!(storage.pending_migrations().await.unwrap().is_empty(), "after a death at {table}");
    }
}

#[rocket::async_test]
async fn f17_a_migration_that_dies_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let url = new_database(folder.path()).await;
    // A table that stands in the way of the migration's middle.
    let name = "audit_events";
    sql(&url, &format!("CREATE TABLE {name} (x INTEGER)")).await;
    let storage =
        portcullis::storage::Storage::new(portcullis::storage::Pool::open(&url, 2).await.unwrap());
    storage.migrate().await.unwrap_err();
    assert_eq!(storage.pending_migrations().await.unwrap().len(), 1);
    sql(&url, &format!("DROP TABLE {name}")).await;
    assert_eq!(storage.migrate().await.unwrap().len(), 1);
    assert_eq!(storage.migrate().await.unwrap().len(), 0);
}

#[rocket::async_test]
async fn f15_a_clock_that_jumps_resurrects_nothing() {
    let app = TestApp::start().await;
    let tokens = app.acme().sign_in("ada").await;
    app.api(Method::Post, "/tenants/acme/logout", Value::Null).await.ok();
    // An hour, and longer than any cut-off is kept by the clock alone; and back again.
    for jump in [3600, -7200, 3600, 100_000, -100_000] {
        app.clock.advance(jump);
        app.follow().await;
        assert!(!app.acme().is_active(&tokens.access).await, "{jump}");
        app.acme().refresh(&tokens.refresh).await.assert_error(400, "invalid_grant");
    }
}
