//! The real process, killed again and again under load. A ledger keeps what it has acknowledged,
//! and is held against what it answers afterwards.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rocket::{futures::future::join_all, tokio};
use serde_json::Value;

use super::process::{durable_shim, load, log_in, refresh, seeded, seeded_with};
use crate::support::{Server, on_postgres, plain_http};

const FAMILIES: usize = 4;

/// How often it is killed: `PORTCULLIS_TEST_KILLS`, or ten times.
fn kills() -> u64 {
    std::env::var("PORTCULLIS_TEST_KILLS").map_or(10, |count| count.parse().expect("a number"))
}

/// What was acknowledged beside the rotations.
#[derive(Default)]
struct Sessions {
    /// Refresh tokens of sign-ins that were answered.
    live: Vec<String>,
    /// Those of sessions whose end was answered.
    ended: Vec<String>,
}

/// One sign-in: access and refresh token, where it was answered.
async fn sign_in(port: u16) -> Option<(String, String)> {
    let body = r#"{"username":"ada","password":"correct horse battery staple","client_id":"app"}"#;
    let headers = [("Content-Type", "application/json")];
    match plain_http(port, "POST", "/t/acme/auth/login", &headers, body).await {
        // An answer that was cut off acknowledges nothing.
        Some((200, body)) => {
            let json: Value = serde_json::from_str(&body).ok()?;
            let text = |name: &str| json[name].as_str().unwrap().to_owned();
            Some((text("access_token"), text("refresh_token")))
        }
        Some((status, body)) => {
            assert!(matches!(status, 429 | 503), "a sign-in is answered {status} {body}");
            None
        }
        None => None,
    }
}

/// Signs in for as long as `going`, and writes down what was answered.
async fn come(port: u16, going: Arc<AtomicBool>, sessions: Arc<Mutex<Sessions>>) {
    while going.load(Ordering::SeqCst) {
        match sign_in(port).await {
            Some((_, token)) => sessions.lock().unwrap().live.push(token),
            None => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

/// Signs out of one session after the other, and writes down what was answered.
async fn leave(
    port: u16,
    going: Arc<AtomicBool>,
    held: Vec<(String, String)>,
    sessions: Arc<Mutex<Sessions>>,
) {
    for (access, token) in held {
        if !going.load(Ordering::SeqCst) {
            return;
        }
        let bearer = format!("Bearer {access}");
        match plain_http(port, "POST", "/t/acme/auth/logout", &[("Authorization", &bearer)], "")
            .await
        {
            Some((204, _)) => sessions.lock().unwrap().ended.push(token),
            // It is ended or not: nobody was told.
            Some((503, _)) | None => {}
            Some((status, body)) => panic!("a logout is answered {status} {body}"),
        }
    }
}

/// What a refresh says after the kill, once the server says anything but "later".
async fn after_all(port: u16, token: &str) -> Result<String, Option<u16>> {
    for _ in 0..100 {
        match refresh(port, token).await {
            Err(Some(503) | None) => tokio::time::sleep(Duration::from_millis(50)).await,
            other => return other,
        }
    }
    panic!("it is not served again")
}

/// Load, an end without warning by `end`, and a look at what is left; `rounds` times.
async fn survive(mut server: Server, rounds: u64, end: impl Fn(&mut Server)) {
    let ledger = Arc::new(Mutex::new(HashMap::new()));
    for family in 0..FAMILIES {
        let token = log_in(server.port).await;
        ledger.lock().unwrap().insert(family, token);
    }
    let (mut rotations, mut signed_in, mut ended) = (0, 0, 0);
    for round in 0..rounds {
        let (before, mut held) = (ledger.lock().unwrap().clone(), Vec::new());
        for _ in 0..4 {
            held.extend(sign_in(server.port).await);
        }
        let going = Arc::new(AtomicBool::new(true));
        let sessions = Arc::new(Mutex::new(Sessions::default()));
        let mut work: Vec<_> = (0..FAMILIES)
            .map(|family| {
                tokio::spawn(load(server.port, Arc::clone(&going), Arc::clone(&ledger), family))
            })
            .collect();
        work.push(tokio::spawn(come(server.port, Arc::clone(&going), Arc::clone(&sessions))));
        work.push(tokio::spawn(leave(
            server.port,
            Arc::clone(&going),
            held,
            Arc::clone(&sessions),
        )));
        tokio::time::sleep(Duration::from_millis(200 + round % 10 * 23)).await;
        end(&mut server);
        going.store(false, Ordering::SeqCst);
        for done in join_all(work).await {
            done.unwrap();
        }
        server.restart().await;
        // Each last acknowledged token is good; one whose answer was lost is retried with it.
        for family in 0..FAMILIES {
            let token = ledger.lock().unwrap()[&family].clone();
            rotations += usize::from(token != before[&family]);
            let next = after_all(server.port, &token).await;
            let next = next.unwrap_or_else(|why| {
                panic!("round {round}: an acknowledged rotation was lost: {why:?}")
            });
            ledger.lock().unwrap().insert(family, next);
        }
        let Sessions { live, ended: dead } = std::mem::take(&mut *sessions.lock().unwrap());
        for token in &live {
            let next = after_all(server.port, token).await;
            assert!(next.is_ok(), "round {round}: an acknowledged sign-in was lost: {next:?}");
        }
        for token in &dead {
            let next = after_all(server.port, token).await;
            assert_eq!(next, Err(Some(400)), "round {round}: an acknowledged logout was lost");
        }
        (signed_in, ended) = (signed_in + live.len(), ended + dead.len());
    }
    eprintln!(
        "{rounds} ends, {rotations} families moved, {signed_in} sign-ins, {ended} logouts, none lost"
    );
    assert!(rotations > 0 && ended > 0, "there was load");
}

#[rocket::async_test]
async fn f1_f2_nothing_acknowledged_is_lost_to_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let server = seeded(folder.path()).await;
    survive(server, kills(), Server::kill).await;
}

/// What was not synced is lost, as the disk may lose it.
#[rocket::async_test]
async fn f14_nothing_acknowledged_is_lost_when_the_power_goes() {
    if on_postgres() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (shim, durable) = (durable_shim(folder.path()), folder.path().join("durable"));
    std::fs::create_dir(&durable).unwrap();
    let more = [("LD_PRELOAD", shim.to_str().unwrap()), ("DURABLE", durable.to_str().unwrap())];
    let server = seeded_with(folder.path(), &more).await;
    let file = folder.path().join("portcullis.db");
    survive(server, 5, |server| {
        server.kill();
        for suffix in ["", "-wal", "-shm"] {
            let name = format!("portcullis.db{suffix}");
            let (is, was) = (file.with_file_name(&name), durable.join(&name));
            let _ = std::fs::remove_file(&is);
            assert!(suffix == "-shm" || was.exists(), "{name} was never synced");
            if was.exists() {
                std::fs::copy(was, is).unwrap();
            }
        }
    })
    .await;
}
