//! O9: what endings cost those who remember them.

use std::time::Duration;

use portcullis::{
    changes::{Registry, Subjects},
    domain::{Change, Ending, EventNumber, TenantId},
    effects::Effects,
};
use rocket::{http::Method, tokio};
use serde_json::{Value, json};

use crate::support::TestApp;

fn token<'a>(jti: &'a str, born: i64) -> Subjects<'a> {
    Subjects { jti, sub: "nobody", client_id: "app", sid: None, gid: None, born: EventNumber(born) }
}

#[tokio::test(start_paused = true)]
async fn o9_an_ending_is_forgotten_with_the_last_token_that_it_speaks_of() {
    let (registry, effects) = (Registry::default(), Effects::system());
    let tenant = effects.id::<TenantId>();
    for number in 0..10_000 {
        let jti = effects.uuid().to_string();
        let lives = Duration::from_secs(if number % 2 == 0 { 60 } else { 900 });
        registry.insert(tenant, &Ending::Token(jti), EventNumber(number), lives);
    }
    registry.insert(
        tenant,
        &Ending::Client("app".into()),
        EventNumber(10_000),
        Duration::from_secs(60),
    );
    assert_eq!(registry.len(), 10_001);
    assert!(registry.refuses(tenant, &token("x", 9_999)));
    assert!(!registry.refuses(tenant, &token("x", 10_000)));
    tokio::time::advance(Duration::from_secs(59)).await;
    registry.prune();
    assert_eq!(registry.len(), 10_001, "nothing goes before its time");
    tokio::time::advance(Duration::from_secs(12)).await;
    registry.prune();
    assert_eq!(registry.len(), 5_000);
    // A token whose expiry a wrong clock has put off is no better for it.
    assert!(registry.refuses(tenant, &token("x", 9_999)));
    assert!(!registry.refuses(tenant, &token("x", 10_000)));
    assert!(!registry.refuses(effects.id::<TenantId>(), &token("x", 0)), "another tenant's tokens");
    tokio::time::advance(Duration::from_secs(900)).await;
    registry.prune();
    assert!(registry.is_empty());
}

#[tokio::test(start_paused = true)]
async fn o9_an_ending_that_is_heard_of_again_is_held_for_the_longer_of_both() {
    let (registry, tenant) = (Registry::default(), Effects::system().id::<TenantId>());
    let client = Ending::Client("app".into());
    registry.insert(tenant, &client, EventNumber(1), Duration::from_secs(60));
    registry.insert(tenant, &client, EventNumber(5), Duration::from_secs(600));
    registry.insert(tenant, &client, EventNumber(3), Duration::from_secs(60));
    tokio::time::advance(Duration::from_secs(100)).await;
    registry.prune();
    assert!(registry.refuses(tenant, &token("x", 4)));
    assert!(!registry.refuses(tenant, &token("x", 5)));
}

/// How long the last event of `acme` is remembered, in seconds.
async fn remembered_for(app: &TestApp) -> i64 {
    let mut unit = app.site.app.storage.read_installation().await.unwrap();
    let head = unit.head().await.unwrap();
    let events = unit.list_events(EventNumber(head.0 - 1), head, 10).await.unwrap();
    assert!(matches!(events[0].change, Change::Ending(..)), "{events:?}");
    events[0].lives_ms / 1000
}

#[rocket::async_test]
async fn o9_an_ending_is_remembered_as_long_as_the_longest_token_of_the_last_day() {
    let app = TestApp::start().await;
    let log_out = || app.api(Method::Post, "/tenants/acme/logout", Value::Null);
    log_out().await.ok();
    // 15 minutes, and two for clocks that differ.
    assert!((1000..=1020).contains(&remembered_for(&app).await), "{}", remembered_for(&app).await);
    let set = |ttl: i64| {
        app.api(Method::Patch, "/tenants/acme", json!({ "settings": { "access_token_ttl": ttl } }))
    };
    set(7200).await.ok();
    set(1800).await.ok();
    set(60).await.ok();
    log_out().await.ok();
    assert!((7300..=7320).contains(&remembered_for(&app).await), "{}", remembered_for(&app).await);
}

#[rocket::async_test]
async fn o9_who_revokes_without_end_meets_a_rate_and_nobody_else_does() {
    let app = TestApp::start().await;
    let tokens = app.acme().sign_in("ada").await;
    let mut refused = None;
    // A token that is revoked already costs nothing, so each is a new one.
    for _ in 0..1_200 {
        let token = app
            .acme()
            .post_as_web("token", &[("grant_type", "client_credentials")])
            .await
            .tokens()
            .access;
        let reply = app.acme().post_as_web("revoke", &[("token", &token)]).await;
        if reply.status != 200 {
            refused = Some(reply);
            break;
        }
    }
    let refused = refused.expect("somebody who revokes without end is told to wait");
    refused.assert_error(503, "temporarily_unavailable");
    assert!(refused.header("retry-after").is_some());
    let form = [("client_id", "app"), ("token", tokens.access.as_str())];
    app.acme().post("revoke", &form).await.ok();
    assert!(!app.acme().is_active(&tokens.access).await);
}

/// Requests of strangers, all different, over some kept connections.
async fn strangers(port: u16, count: usize) {
    use rocket::tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let worker = |first: usize| async move {
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        for at in (first..count).step_by(16) {
            let bad = crate::support::basic(&format!("nobody{at}-{}", "x".repeat(200)), "x");
            let body = "grant_type=client_credentials";
            let request = match at % 4 {
                0 => format!("GET /t/tenant{at}/oauth2/jwks HTTP/1.1\r\nHost: x\r\n\r\n"),
                1 => format!("GET /t/acme/login?at={at} HTTP/1.1\r\nHost: x\r\n\r\n"),
                2 => format!(
                    "GET /api/v1/tenants HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {at}.b.c\r\n\r\n"
                ),
                _ => format!(
                    "POST /t/acme/oauth2/token HTTP/1.1\r\nHost: x\r\nAuthorization: {bad}\r\n\
                     Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                ),
            };
            stream.write_all(request.as_bytes()).await.unwrap();
            let (mut answer, mut part) = (Vec::new(), [0; 8192]);
            let length = |head: &str| {
                let line = head
                    .lines()
                    .find(|line| line.to_ascii_lowercase().starts_with("content-length:"));
                line.and_then(|line| line.split(' ').nth(1)?.parse::<usize>().ok()).unwrap_or(0)
            };
            loop {
                let read = stream.read(&mut part).await.unwrap();
                assert_ne!(read, 0, "the connection is kept");
                answer.extend_from_slice(&part[..read]);
                let text = String::from_utf8_lossy(&answer).into_owned();
                if text
                    .split_once("\r\n\r\n")
                    .is_some_and(|(head, body)| body.len() >= length(head))
                {
                    break;
                }
            }
        }
    };
    rocket::futures::future::join_all((0..16).map(worker)).await;
}

#[rocket::async_test]
async fn o9_strangers_requests_leave_neither_memory_nor_rows_behind() {
    let folder = tempfile::tempdir().unwrap();
    let server = super::process::seeded(folder.path()).await;
    let refused = |entries: &str| entries.matches("client.refused").count();
    strangers(server.port, 2_000).await;
    let before = server.resident_mib();
    strangers(server.port, 12_000).await;
    let after = server.resident_mib();
    assert!(after < before + 50, "{before} MiB, then {after} MiB");
    let (code, token, error) = server.command(&["token", "--tenant", "system"], "");
    assert_eq!(code, 0, "{error}");
    let bearer = format!("Bearer {}", token.trim());
    let headers = [("Authorization", bearer.as_str()), ("Accept", "application/x-ndjson")];
    let mut written = String::new();
    for _ in 0..200 {
        (_, written) = server.request("GET", "/api/v1/tenants/acme/audit", &headers, "").await;
        if written.contains("audit.held_back") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // 3,500 refusals of one address: some are told one by one, the rest as a figure.
    assert!(written.contains("audit.held_back"), "the rest is told");
    assert!((100..1_000).contains(&refused(&written)), "{} entries", refused(&written));
}
