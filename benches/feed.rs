//! A thousand resource servers that follow what is ended in a tenant: how soon each hears of it, and what they
//! cost those who end it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "it may stop where it stands, and nobody builds on it"
)]

mod support;

use std::time::Instant;

use serde_json::Value;
use support::{
    Connection, SECRET, Server, admin::Admin, basic, databases, get, login, post, tenant,
    times::Times,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    sync::mpsc,
};

const FOLLOWERS: usize = 1_000;
const ENDINGS: usize = 50;

fn file() -> String {
    let client = format!(
        "      - {{ client_id: api, client_secret: {SECRET}, grant_types: [client_credentials], \
         scope: revocations }}\n    users:"
    );
    format!("tenants:{}", tenant("acme").replace("    users:", &client))
}

/// Follows the tenant, and tells when it has heard of which session.
async fn follow(port: u16, bearer: String, heard: mpsc::UnboundedSender<(String, Instant)>) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let more = format!("{bearer}Accept: text/event-stream\r\n");
    stream.write_all(get("/t/acme/oauth2/revocations", &more).as_bytes()).await.unwrap();
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let Some(data) = line.strip_prefix("data:") else { continue };
        let event: Value = serde_json::from_str(data).unwrap();
        if heard.send((event["id"].as_str().unwrap().to_owned(), Instant::now())).is_err() {
            return;
        }
    }
}

/// Signs in, so that there is a session to be ended; its identifier.
async fn session(port: u16) -> String {
    let (status, body) = Connection::open(port).await.send(&login("acme", "ada")).await;
    assert_eq!(status, 200, "{body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    let payload = body["access_token"].as_str().unwrap().split('.').nth(1).unwrap();
    use base64::Engine as _;
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    claims["sid"].as_str().unwrap().to_owned()
}

/// Ends sessions one after the other, and waits until all who follow have heard of each.
async fn end_all(
    server: &Server,
    followers: usize,
    heard: &mut mpsc::UnboundedReceiver<(String, Instant)>,
) -> (Times, Times) {
    let mut admin = Admin::of(server).await;
    let (mut answered, mut told) = (Times::default(), Times::default());
    for _ in 0..ENDINGS {
        let id = session(server.port).await;
        let began = Instant::now();
        let (status, body, time) =
            admin.send("DELETE", &format!("/tenants/acme/sessions/{id}"), "").await;
        assert_eq!(status, 200, "{body}");
        answered.note_ms(time);
        let mut count = 0;
        while count < followers {
            let (of, at) = heard.recv().await.unwrap();
            if of == id {
                count += 1;
                told.note(at.saturating_duration_since(began));
            }
        }
    }
    (answered, told)
}

async fn measure(kind: &str, mut server: Server) {
    server.start().await;
    let form = "grant_type=client_credentials&scope=revocations";
    let request = post("/t/acme/oauth2/token", &basic("api", SECRET), form);
    let (status, body) = Connection::open(server.port).await.send(&request).await;
    assert_eq!(status, 200, "{body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    let bearer = format!("Authorization: Bearer {}\r\n", body["access_token"].as_str().unwrap());
    let (sender, mut heard) = mpsc::unbounded_channel();
    let before = server.resident();
    let (alone, _) = end_all(&server, 0, &mut heard).await;
    for _ in 0..FOLLOWERS {
        tokio::spawn(follow(server.port, bearer.clone(), sender.clone()));
    }
    // Each hears of what is in force first.
    for _ in 0..FOLLOWERS * ENDINGS {
        heard.recv().await.unwrap();
    }
    let (beside, told) = end_all(&server, FOLLOWERS, &mut heard).await;
    for (what, times) in [
        ("an ending, from request to answer", alone),
        ("the same beside those who follow", beside),
        ("an ending, from request until each of them has heard", told),
    ] {
        let (median, p99, longest) = (times.median(), times.at(99), times.at(100));
        println!("{kind}: {what}: p50 {median:.1} ms, p99 {p99:.1}, longest {longest:.1}");
    }
    println!("{kind}: {before} MiB resident, {} with {FOLLOWERS} who follow", server.resident());
}

#[tokio::main]
async fn main() {
    for kind in databases::kinds() {
        let server = Server::new(databases::create(kind, "feed").await, &file());
        let database = server.database.clone();
        measure(kind, server).await;
        databases::remove(&database).await;
    }
}
