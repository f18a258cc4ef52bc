//! A tenant with a million sessions: what it costs to end them, whom that keeps waiting, and how
//! fast some of its lists come meanwhile (issue 6; all of them at rest: `benches/pages.rs`). On
//! SQLite and PostgreSQL, with statistics and without.
//!
//! A second tenant works all the while: it rotates a refresh token, changes a user, and ends a
//! user's sessions. What it waits for is printed beside what it waited for with nothing going on.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "it may stop where it stands, and nobody builds on it"
)]

#[path = "../tests/suite/support/crowd.rs"]
mod crowd;
mod support;
#[path = "support/waits.rs"]
mod waits;

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use serde_json::Value;

use crowd::{Crowd, Statistics};
use support::{
    Connection, Server, admin::Admin, databases, login, post, rotation, tenant, with_body,
};
use waits::{Next, Waits, probe};

fn sessions() -> usize {
    std::env::var("PORTCULLIS_BENCH_SESSIONS").map_or(1_000_000, |text| text.parse().unwrap())
}

async fn fill(url: &str, statistics: Statistics) {
    let now = portcullis::effects::Effects::system().now().millis();
    Crowd { slug: "big", sessions: sessions(), now, statistics }.gather(url).await;
}

impl Admin {
    /// The slowest of three first pages of each list.
    async fn lists(&mut self, when: &str, user: &str) {
        let mut times = Vec::new();
        for list in [
            "sessions",
            "sessions?active=true",
            "sessions?active=false",
            "sessions?client=app",
            "sessions?client=web",
            "sessions?ip=10.0.3.7",
            "sessions?ip=198.51.100.1",
            &format!("sessions?user={user}"),
            &format!("sessions?user={user}&active=false"),
            "users",
            "users?q=user99",
            "users?q=zzz",
            "clients",
            "audit",
            "audit?action=session.started",
            "audit?action=none",
            "audit?actor=user:crowd",
        ] {
            let mut slowest: f64 = 0.0;
            for _ in 0..3 {
                let (status, body, time) =
                    self.send("GET", &format!("/tenants/big/{list}"), "").await;
                assert_eq!(status, 200, "{list}: {body}");
                slowest = slowest.max(time);
            }
            times.push((slowest, list.replace(user, "…")));
        }
        times.sort_by(|one, two| two.0.total_cmp(&one.0));
        let slowest: Vec<_> =
            times.iter().take(4).map(|(time, list)| format!("{list} {time:.1}")).collect();
        println!(
            "  lists {when}, first page, slowest of 3, ms: {} (of {})",
            slowest.join(", "),
            times.len()
        );
    }

    /// An ending: what it answers within, and that a token it speaks of is refused at once.
    async fn end(
        &mut self,
        what: &str,
        method: &str,
        path: &str,
        body: &str,
        victim: Option<&str>,
    ) -> Value {
        let token = match victim {
            Some(user) => Some(self.token_of(user).await),
            None => None,
        };
        let (status, answer, time) = self.send(method, path, body).await;
        assert!(status < 300, "{what}: {status} {answer}");
        let mut check = String::new();
        if let Some(token) = token {
            let (status, body) = self.connection.send(&rotation("big", &token)).await;
            assert!(status == 400 || status == 401, "{what}: its refresh token is alive: {body}");
            check.push_str(", its refresh token refused");
        }
        println!("  {what}: answered in {time:.1} ms{check}");
        answer
    }

    async fn token_of(&mut self, user: &str) -> String {
        let (status, body) = self.connection.send(&login("big", user)).await;
        assert_eq!(status, 200, "{body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        body["refresh_token"].as_str().unwrap().to_owned()
    }

    /// Lets a settling go on for some seconds, and prints how far it came.
    async fn settling(&mut self, event: &Value, seconds: u64) {
        let path = format!(
            "/revocations/{}",
            event.as_u64().map_or_else(|| event.as_str().unwrap().to_owned(), |n| n.to_string())
        );
        let before = self.get(&path).await;
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let after = self.get(&path).await;
        println!(
            "    settling over {seconds} s: {} then {}, everywhere: {}",
            before["settling"], after["settling"], after["everywhere"]
        );
    }
}

async fn probes(port: u16, admin: &mut Admin) -> Arc<Waits> {
    let bearer = admin.bearer.clone();
    let waits = Arc::new(Waits::default());
    let mut connection = Connection::open(port).await;
    let (status, body) = connection.send(&login("small", "ada")).await;
    assert_eq!(status, 200, "{body}");
    let users = admin.get("/tenants/small/users").await;
    let id = |name: &str| {
        let users = users["items"].as_array().unwrap();
        users.iter().find(|user| user["username"] == name).unwrap()["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let json = |method: &str, path: String, body: &str| {
        with_body(method, &path, "application/json", &bearer, body)
    };
    let same: Next = |_| None;
    let starts: [(&'static str, String, Next); 3] = [
        ("refresh", successor(&body).unwrap(), successor),
        (
            "change of a user",
            json(
                "PATCH",
                format!("/api/v1/tenants/small/users/{}", id("bob")),
                r#"{"name":"Bob"}"#,
            ),
            same,
        ),
        (
            "logout of a user",
            json("POST", format!("/api/v1/tenants/small/users/{}/logout", id("bob")), ""),
            same,
        ),
    ];
    for (kind, start, next) in starts {
        tokio::spawn(probe(Arc::clone(&waits), port, kind, start, next));
    }
    waits
}

fn successor(body: &str) -> Option<String> {
    let json: Value = serde_json::from_str(body).unwrap();
    Some(rotation("small", json["refresh_token"].as_str().unwrap()))
}

async fn measure(name: &str, mut server: Server) {
    let started = Instant::now();
    server.start().await;
    println!(
        "{name}: {} sessions, ready in {:.1} s, {} MiB",
        sessions(),
        started.elapsed().as_secs_f64(),
        server.resident()
    );
    let mut admin = Admin::of(&server).await;
    let found = admin.get("/tenants/big/users?q=user77").await;
    let ids: Vec<String> = found["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["id"].as_str().unwrap().to_owned())
        .collect();
    let crowded = admin.get("/tenants/big/users?q=user0").await["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let ada =
        admin.get("/tenants/big/users?q=ada").await["items"][0]["id"].as_str().unwrap().to_owned();
    admin.lists("at rest", &crowded).await;
    let waits = probes(server.port, &mut admin).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    waits.print("nothing");
    small_endings(&mut admin, &ids, &crowded, &ada).await;
    waits.print("those endings");
    sweep(&mut admin, &crowded, started, &waits).await;
    big_endings(&mut admin, &crowded, &waits).await;
    waits.over.store(true, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(1)).await;
    println!("  {} MiB at the end", server.resident());
}

async fn small_endings(admin: &mut Admin, ids: &[String], crowded: &str, ada: &str) {
    let page = admin.get("/tenants/big/sessions?limit=3").await;
    let session = page["items"][0]["id"].as_str().unwrap();
    admin
        .end("a session ended", "DELETE", &format!("/tenants/big/sessions/{session}"), "", None)
        .await;
    admin
        .end(
            "a user logged out",
            "POST",
            &format!("/tenants/big/users/{ada}/logout"),
            "",
            Some("ada"),
        )
        .await;
    let all = sessions() / 100;
    admin
        .end(
            &format!("a user of {all} sessions logged out"),
            "POST",
            &format!("/tenants/big/users/{crowded}/logout"),
            "",
            None,
        )
        .await;
    let path = |id: &String| format!("/tenants/big/users/{id}");
    admin.end("a user disabled", "PATCH", &path(&ids[0]), r#"{"status":"disabled"}"#, None).await;
    admin.end("a user's roles taken", "PATCH", &path(&ids[1]), r#"{"roles":[]}"#, None).await;
    admin
        .end(
            "a user's password reset",
            "PATCH",
            &path(&ids[2]),
            r#"{"password":"another horse, another staple"}"#,
            None,
        )
        .await;
    admin.end("a user deleted", "DELETE", &path(&ids[3]), "", None).await;
    let token = admin.token_of("ada").await;
    let sent = Instant::now();
    let form = format!("client_id=app&token={token}");
    let (status, _) = admin.connection.send(&post("/t/big/oauth2/revoke", "", &form)).await;
    println!(
        "  a grant revoked by its client: {status} in {:.1} ms",
        sent.elapsed().as_secs_f64() * 1000.0
    );
}

/// The first sweep comes some seconds after the start.
async fn sweep(admin: &mut Admin, crowded: &str, started: Instant, waits: &Waits) {
    let left = Duration::from_secs(25).saturating_sub(started.elapsed());
    tokio::time::sleep(left).await;
    waits.print("nothing, once more");
    tokio::time::sleep(Duration::from_secs(10)).await;
    waits.print("the sweep of expired sessions and codes");
    admin.lists("during the sweep", crowded).await;
}

async fn big_endings(admin: &mut Admin, crowded: &str, waits: &Waits) {
    let begun = admin
        .end("a client logged out", "POST", "/tenants/big/clients/app/logout", "", Some("ada"))
        .await;
    admin.settling(&begun["event"], 8).await;
    waits.print("a client's settling");
    admin.lists("while it settles", crowded).await;
    waits.print("those lists");
    let client = admin.get("/tenants/big/clients/web").await;
    let secret = client["secrets"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/tenants/big/clients/web/secrets/{secret}?compromised=true");
    admin.end("a leaked secret withdrawn", "DELETE", &path, "", None).await;
    let begun =
        admin.end("a tenant logged out", "POST", "/tenants/big/logout", "", Some("ada")).await;
    admin.settling(&begun["event"], 8).await;
    waits.print("a tenant's settling");
    admin.lists("while it settles", crowded).await;
    let keys = admin.get("/tenants/big/keys").await;
    let kid = keys["items"][0]["kid"].as_str().unwrap().to_owned();
    admin
        .end("a key withdrawn", "POST", &format!("/tenants/big/keys/{kid}/withdraw"), "", None)
        .await;
    waits.print("those lists");
    admin.end("a client deleted", "DELETE", "/tenants/big/clients/app", "", Some("ada")).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    waits.print("what a deleted client leaves");
    admin.lists("meanwhile", crowded).await;
    admin.end("a tenant suspended", "DELETE", "/tenants/big", "", None).await;
    admin.end("a tenant purged", "DELETE", "/tenants/big?purge=true", "", None).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    waits.print("what a purged tenant leaves");
}

fn file() -> String {
    format!("tenants:{}{}", tenant("big"), tenant("small"))
}

#[tokio::main]
async fn main() {
    for statistics in [Statistics::Fresh, Statistics::Never, Statistics::Stale] {
        for kind in databases::kinds() {
            let name = format!("million_{statistics:?}").to_lowercase();
            let server = Server::new(databases::create(kind, &name).await, &file());
            let database = server.database.clone();
            fill(&database, statistics).await;
            databases::settle(&database).await;
            measure(&format!("{kind}, statistics: {statistics:?}"), server).await;
            databases::remove(&database).await;
        }
    }
}
