//! A primary and its standby: the primary dies, the standby takes its place, and the node finds it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rocket::{futures::future::join_all, tokio};
use serde_json::Value;

use super::process::{FILE, load, log_in, refresh};
use crate::support::{Postgres, Proxy, Server, on_postgres, plain_http, write_master_key};

/// Served again within five seconds of the promotion is the promise; some more on a busy machine.
const BACK: Duration = Duration::from_secs(20);
const LIMIT: Duration = Duration::from_secs(4);

async fn log_in_whole(port: u16) -> (String, String) {
    let body = r#"{"username":"ada","password":"correct horse battery staple","client_id":"app"}"#;
    let headers = [("Content-Type", "application/json")];
    let (status, body) =
        plain_http(port, "POST", "/t/acme/auth/login", &headers, body).await.unwrap();
    assert_eq!(status, 200, "{body}");
    let json: Value = serde_json::from_str(&body).unwrap();
    let text = |name: &str| json[name].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

/// Ends sessions one after the other; answers the refresh tokens of those whose end was answered.
async fn log_out_all(
    port: u16,
    sessions: Vec<(String, String)>,
    going: Arc<AtomicBool>,
    count: Arc<AtomicUsize>,
) -> Vec<String> {
    let mut ended = Vec::new();
    for (access, refresh) in sessions {
        if !going.load(Ordering::SeqCst) {
            break;
        }
        let bearer = format!("Bearer {access}");
        let out =
            plain_http(port, "POST", "/t/acme/auth/logout", &[("Authorization", &bearer)], "")
                .await;
        match out {
            Some((204, _)) => {
                ended.push(refresh);
                count.fetch_add(1, Ordering::SeqCst);
            }
            Some((503, _)) => {}
            other => panic!("{other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    ended
}

async fn node_over(folder: &std::path::Path, url: &str) -> Server {
    write_master_key(folder);
    let server = Server::start(folder, url, &[]).await;
    let (code, _, error) = server.command(&["apply", "-f", "-"], FILE);
    assert_eq!(code, 0, "{error}");
    server
}

/// Waits until everything is served; how long that took.
async fn until_whole(port: u16, token: &mut String, since: Instant) -> Duration {
    loop {
        let ready = plain_http(port, "GET", "/readyz", &[], "").await.unwrap().0;
        match refresh(port, token).await {
            Ok(next) => *token = next,
            Err(status) => assert_eq!(status, Some(503), "a good token was refused"),
        }
        let again = refresh(port, token).await;
        if let (200, Ok(next)) = (ready, again) {
            *token = next;
            return since.elapsed();
        }
        assert!(since.elapsed() < BACK, "not served {:?} after the promotion", since.elapsed());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The primary goes in the way that `strike` says, under load, and the standby is promoted.
async fn fail_over(strike: impl FnOnce(&Postgres)) {
    let primary = Postgres::start();
    let standby = Postgres::standby_of(&primary);
    let url = format!(
        "postgres://portcullis@127.0.0.1:{},127.0.0.1:{}/portcullis",
        primary.port, standby.port
    );
    let folder = tempfile::tempdir().unwrap();
    let server = node_over(folder.path(), &url).await;
    let ledger = Arc::new(Mutex::new(HashMap::new()));
    for family in 0..4 {
        let token = log_in(server.port).await;
        ledger.lock().unwrap().insert(family, token);
    }
    let mut sessions = Vec::new();
    for _ in 0..25 {
        sessions.push(log_in_whole(server.port).await);
    }
    let mut probe = log_in(server.port).await;
    let going = Arc::new(AtomicBool::new(true));
    let work: Vec<_> = (0..4)
        .map(|family| {
            tokio::spawn(load(server.port, Arc::clone(&going), Arc::clone(&ledger), family))
        })
        .collect();
    let count = Arc::<AtomicUsize>::default();
    let ending =
        tokio::spawn(log_out_all(server.port, sessions, Arc::clone(&going), Arc::clone(&count)));
    // However busy the machine is, some sessions are ended before the primary goes.
    for _ in 0..600 {
        if count.load(Ordering::SeqCst) > 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    strike(&primary);
    // Nobody has been promoted yet: what cannot be kept is not acknowledged, and that in time.
    let began = Instant::now();
    assert_eq!(refresh(server.port, &probe).await, Err(Some(503)));
    assert!(began.elapsed() <= LIMIT, "{:?}", began.elapsed());
    tokio::time::sleep(Duration::from_secs(2)).await;
    standby.promote();
    let promoted = Instant::now();
    let back = until_whole(server.port, &mut probe, promoted).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    going.store(false, Ordering::SeqCst);
    for done in join_all(work).await {
        done.unwrap();
    }
    let ended = ending.await.unwrap();
    let (_, later) = (log_in(server.port).await, log_in(server.port).await);
    refresh(server.port, &later).await.expect("sign-ins are kept by the new primary");
    let kept = ledger.lock().unwrap().clone();
    for token in kept.values() {
        refresh(server.port, token).await.expect("no acknowledged rotation is lost");
    }
    for token in &ended {
        assert_eq!(
            refresh(server.port, token).await,
            Err(Some(400)),
            "an acknowledged logout is lost"
        );
    }
    assert!(ended.len() > 3, "sessions were ended meanwhile");
    assert!(!server.log().contains("restored from a backup"), "a failover is no restore");
    eprintln!("f6: whole {back:?} after the promotion, {} logouts kept", ended.len());
}

#[rocket::async_test]
async fn f6_when_the_primary_is_killed_the_node_finds_the_promoted_standby_and_nothing_acknowledged_is_lost()
 {
    if on_postgres() {
        fail_over(Postgres::kill).await;
    }
}

#[rocket::async_test]
async fn f6_a_primary_that_stands_still_does_not_hide_the_promoted_standby() {
    if on_postgres() {
        fail_over(Postgres::hold_still).await;
    }
}

#[rocket::async_test]
async fn f6_what_the_standby_does_not_have_is_not_acknowledged() {
    if !on_postgres() {
        return;
    }
    let primary = Postgres::start();
    let standby = Postgres::standby_of(&primary);
    let folder = tempfile::tempdir().unwrap();
    let server = node_over(folder.path(), &primary.url()).await;
    let (access, token) = log_in_whole(server.port).await;
    standby.hold_still();
    let began = Instant::now();
    assert_eq!(refresh(server.port, &token).await, Err(Some(503)));
    let bearer = format!("Bearer {access}");
    let out =
        plain_http(server.port, "POST", "/t/acme/auth/logout", &[("Authorization", &bearer)], "")
            .await;
    assert_eq!(out.unwrap().0, 503);
    assert!(began.elapsed() <= 2 * LIMIT, "{:?}", began.elapsed());
    standby.go_on();
}

#[rocket::async_test]
async fn f6_connections_to_a_server_that_has_become_read_only_are_given_up() {
    if !on_postgres() {
        return;
    }
    let primary = Postgres::start();
    let standby = Postgres::standby_of(&primary);
    let (way, url) = Proxy::before(&primary.url()).await;
    let folder = tempfile::tempdir().unwrap();
    let server = node_over(folder.path(), &url).await;
    let mut token = log_in(server.port).await;
    // Connections of the pool, all of them open.
    join_all((0..12).map(|_| log_in(server.port))).await;
    // The old primary lives on and answers, but takes nothing; its connections stay open.
    primary.sql("postgres", "ALTER SYSTEM SET default_transaction_read_only = on");
    primary.sql("postgres", "SELECT pg_reload_conf()");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(refresh(server.port, &token).await, Err(Some(503)));
    standby.promote();
    way.lead_to(standby.port);
    let back = until_whole(server.port, &mut token, Instant::now()).await;
    for _ in 0..20 {
        token = refresh(server.port, &token).await.expect("no connection leads to the old one");
    }
    eprintln!("f6: read-only, whole after {back:?}");
}
