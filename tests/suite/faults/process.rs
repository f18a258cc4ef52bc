//! The real process, killed and stopped.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rocket::tokio;
use serde_json::Value;

use crate::support::{Server, form, new_database, plain_http, write_master_key};

pub(super) const FILE: &str = r#"
tenants:
  - slug: acme
    settings: { password_bcrypt_cost: 10, refresh_reuse_grace: 300 }
    clients:
      - client_id: app
        token_endpoint_auth_method: none
        redirect_uris: ["https://app.example/cb"]
        grant_types: [authorization_code, refresh_token, password]
        scope: openid
    users: [{ username: ada, password: correct horse battery staple }]
"#;

pub(super) async fn seeded(folder: &std::path::Path) -> Server {
    seeded_with(folder, &[]).await
}

/// The same with more in its environment.
pub(super) async fn seeded_with(folder: &std::path::Path, more: &[(&str, &str)]) -> Server {
    write_master_key(folder);
    let database = new_database(folder).await;
    let server = Server::start(folder, &database, more).await;
    let (code, _, error) = server.command(&["apply", "-f", "-"], FILE);
    assert_eq!(code, 0, "{error}");
    server
}

/// The library that stands before the C library, compiled into `folder`.
pub(super) fn durable_shim(folder: &std::path::Path) -> std::path::PathBuf {
    let (source, shim) = (folder.join("durable.c"), folder.join("durable.so"));
    std::fs::write(&source, include_str!("durable.c")).unwrap();
    let mut compiler = std::process::Command::new("cc");
    compiler
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&shim)
        .arg(&source)
        .args(["-ldl", "-lpthread"]);
    assert!(compiler.status().unwrap().success(), "a C compiler is needed");
    shim
}

pub(super) async fn log_in(port: u16) -> String {
    let body = r#"{"username":"ada","password":"correct horse battery staple","client_id":"app"}"#;
    for _ in 0..100 {
        let headers = [("Content-Type", "application/json")];
        if let Some((200, body)) =
            plain_http(port, "POST", "/t/acme/auth/login", &headers, body).await
        {
            return serde_json::from_str::<Value>(&body).unwrap()["refresh_token"]
                .as_str()
                .unwrap()
                .to_owned();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("nobody can sign in");
}

/// One refresh: the successor where it was acknowledged, the status where it was refused.
pub(super) async fn refresh(port: u16, token: &str) -> Result<String, Option<u16>> {
    let body =
        form(&[("grant_type", "refresh_token"), ("client_id", "app"), ("refresh_token", token)]);
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    match plain_http(port, "POST", "/t/acme/oauth2/token", &headers, &body).await {
        Some((200, body)) => {
            let json: Value = serde_json::from_str(&body).map_err(|_| None)?;
            Ok(json["refresh_token"].as_str().unwrap().to_owned())
        }
        Some((status, _)) => Err(Some(status)),
        None => Err(None),
    }
}

/// Rotates a family for as long as `going`, and keeps the ledger: the last acknowledged token.
pub(super) async fn load(
    port: u16,
    going: Arc<AtomicBool>,
    ledger: Arc<Mutex<HashMap<usize, String>>>,
    family: usize,
) {
    while going.load(Ordering::SeqCst) {
        let token = ledger.lock().unwrap()[&family].clone();
        match refresh(port, &token).await {
            Ok(next) => {
                ledger.lock().unwrap().insert(family, next);
            }
            Err(Some(status)) => assert_eq!(status, 503, "an acknowledged token was refused"),
            Err(None) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

#[rocket::async_test]
async fn f2_a_client_whose_answer_was_lost_retries_and_goes_on() {
    use tokio::io::AsyncWriteExt as _;
    let folder = tempfile::tempdir().unwrap();
    let server = seeded(folder.path()).await;
    for _ in 0..15 {
        // A family each: the lost request may be served late, after the retry, and two
        // rotations later it would rightly count as reuse.
        let token = log_in(server.port).await;
        let body = form(&[
            ("grant_type", "refresh_token"),
            ("client_id", "app"),
            ("refresh_token", &token),
        ]);
        let request = format!(
            "POST /t/acme/oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        // It is sent, and its answer is never read: the rotation may have happened or not.
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        drop(stream);
        let one = refresh(server.port, &token).await.expect("the retry is answered");
        let two = refresh(server.port, &token).await.expect("and answered again");
        assert_eq!(one, two);
        refresh(server.port, &one).await.expect("and the successor is good");
    }
}

#[rocket::async_test]
async fn f13_a_full_disk_is_answered_with_503_and_harms_nothing() {
    if crate::support::on_postgres() {
        // The disk is the database server's there; SQLite's run states this fact.
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut server = seeded(folder.path()).await;
    let kept = log_in(server.port).await;
    assert_eq!(server.terminate(), Some(0));
    let size = std::fs::metadata(folder.path().join("portcullis.db")).unwrap().len();
    let room = u32::try_from(size / 1024).unwrap() + 64;
    server.restart_with_full_disk(room).await;
    let mut token = kept.clone();
    let mut full = false;
    for _ in 0..2000 {
        match refresh(server.port, &token).await {
            Ok(next) => token = next,
            Err(Some(503)) => {
                full = true;
                break;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(full, "the disk was never full");
    let mut parts = Value::Null;
    for _ in 0..100 {
        let (_, body) = server.request("GET", "/readyz", &[], "").await;
        parts = serde_json::from_str::<Value>(&body).unwrap()["parts"].take();
        if parts["writes"] != "ok" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let writes = parts["writes"].as_str().unwrap();
    // A limit of the process' own reads "disk I/O error", a full disk "database or disk is full".
    assert!(writes.starts_with("refused: ") && writes.contains("disk"), "{parts}");
    // What only reads goes on.
    let (status, _) = server.request("GET", "/t/acme/oauth2/jwks", &[], "").await;
    assert_eq!(status, 200);
    let (status, _) = server.request("GET", "/healthz", &[], "").await;
    assert_eq!(status, 200);
    server.kill();
    server.restart().await;
    refresh(server.port, &token)
        .await
        .expect("the last acknowledged token is good once there is room");
    server.kill();
    use diesel::RunQueryDsl as _;
    let path = folder.path().join("portcullis.db").display().to_string();
    let mut conn = crate::support::sqlite_beside(&path);
    let check = diesel::sql_query("PRAGMA integrity_check").load::<Integrity>(&mut conn).unwrap();
    assert_eq!(check[0].integrity_check, "ok");
}

#[derive(diesel::QueryableByName)]
struct Integrity {
    #[diesel(sql_type = diesel::sql_types::Text)]
    integrity_check: String,
}

#[rocket::async_test]
async fn f23_what_was_under_way_when_the_server_was_stopped_is_answered_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = seeded(folder.path()).await;
    let token = log_in(server.port).await;
    let ledger = Arc::new(Mutex::new(HashMap::from([(0, token)])));
    let going = Arc::new(AtomicBool::new(true));
    let work = tokio::spawn(load(server.port, Arc::clone(&going), Arc::clone(&ledger), 0));
    tokio::time::sleep(Duration::from_millis(200)).await;
    let status = server.terminate();
    going.store(false, Ordering::SeqCst);
    work.await.unwrap();
    assert_eq!(status, Some(0), "{}", server.log());
    server.restart().await;
    let token = ledger.lock().unwrap()[&0].clone();
    refresh(server.port, &token).await.expect("nothing acknowledged was lost");
}

#[rocket::async_test]
async fn s1_m8_logs_bear_no_secret_and_no_line_that_a_client_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let server = seeded(folder.path()).await;
    let token = log_in(server.port).await;
    refresh(server.port, &format!("{token}x")).await.unwrap_err();
    let body = r#"{"username":"eve\n2026-01-01 INFO forged line","password":"canary-password","client_id":"app"}"#;
    server
        .request("POST", "/t/acme/auth/login", &[("Content-Type", "application/json")], body)
        .await;
    let log = server.log();
    assert!(log.contains("login.refused"), "{log}");
    assert!(
        !log.contains(&token) && !log.contains("canary-password") && !log.contains("correct horse")
    );
    assert!(!log.lines().any(|line| line.starts_with("2026-01-01 INFO forged")));
}
