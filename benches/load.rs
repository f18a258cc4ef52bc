//! A bounded load on the real server, from loopback.
//!
//! Machines are shared and noisy, so each figure stands beside what the machine can do of its kind without
//! us, measured just before (`support/floor.rs`, pgbench, bare bcrypt): the ratio is what can be compared.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "it may stop where it stands, and nobody builds on it"
)]

#[allow(dead_code, reason = "benches/million.rs asks for more of it")]
#[path = "../tests/suite/support/crowd.rs"]
mod crowd;
mod support;

use std::time::{Duration, Instant};

use crowd::{Crowd, Statistics};
use support::{
    Connection, SECRET, Server, admin::Admin, databases, floor::Floor, get, login, pgbench, post,
    rotation, tenant, with_body,
};

/// Sessions that there are to be ended.
const SESSIONS: usize = 40_000;

const WORKERS: usize = 16;
const EACH: Duration = Duration::from_secs(4);

/// As dear as a tenant's passwords are where it says nothing.
const COST: u32 = 12;

fn file() -> String {
    let dear = tenant("dear").replace("bcrypt_cost: 10", &format!("bcrypt_cost: {COST}"));
    format!("tenants:{}{dear}", tenant("acme"))
}

/// What a worker sends, made of its last answer; nothing of none, and `None` where it has done its work.
type Next = Box<dyn FnMut(&str) -> Option<String> + Send>;

/// Requests a second of these workers, each over a connection of its own; and the 99th percentile in
/// milliseconds.
async fn rate(port: u16, workers: Vec<Next>) -> (f64, f64) {
    let began = Instant::now();
    let mut work = Vec::new();
    for mut next in workers {
        work.push(tokio::spawn(async move {
            let mut connection = Connection::open(port).await;
            let (mut last, mut times) = (String::new(), Vec::new());
            while began.elapsed() < EACH {
                let Some(request) = next(&last) else { break };
                let sent = Instant::now();
                let (status, body) = connection.send(&request).await;
                assert!(matches!(status, 200..=299), "{status} {body}");
                times.push(sent.elapsed());
                last = body;
            }
            times
        }));
    }
    let mut times = Vec::new();
    for worker in work {
        times.extend(worker.await.unwrap());
    }
    let rate = times.len() as f64 / began.elapsed().as_secs_f64();
    times.sort();
    (rate, times[times.len() * 99 / 100].as_secs_f64() * 1000.0)
}

/// Workers that send the same again and again.
fn all(request: &str) -> Vec<Next> {
    let one = |_| {
        let request = request.to_owned();
        Box::new(move |_: &str| Some(request.clone())) as Next
    };
    (0..WORKERS).map(one).collect()
}

fn successor(body: &str) -> String {
    let json: serde_json::Value = serde_json::from_str(body).unwrap();
    rotation("acme", json["refresh_token"].as_str().unwrap())
}

/// So many workers that rotate, each in a session of its own.
async fn rotations(port: u16, count: usize) -> Vec<Next> {
    let mut connection = Connection::open(port).await;
    let mut workers: Vec<Next> = Vec::new();
    for _ in 0..count {
        let (status, body) = connection.send(&login("acme", "ada")).await;
        assert_eq!(status, 200, "{body}");
        let first = successor(&body);
        workers.push(Box::new(move |last| {
            Some(if last.is_empty() { first.clone() } else { successor(last) })
        }));
    }
    workers
}

/// Workers that end sessions, one each time, as an administrator does.
async fn endings(server: &Server) -> Vec<Next> {
    let mut admin = Admin::of(server).await;
    let mut workers = vec![Vec::new(); WORKERS];
    let mut after = String::new();
    for _ in 0..SESSIONS / 100 {
        let page = admin.get(&format!("/tenants/acme/sessions?limit=100{after}")).await;
        for (at, session) in page["items"].as_array().unwrap().iter().enumerate() {
            let path = format!("/api/v1/tenants/acme/sessions/{}", session["id"].as_str().unwrap());
            let request = with_body("DELETE", &path, "application/json", &admin.bearer, "");
            workers[at % WORKERS].push(request);
        }
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    let worker = |mut requests: Vec<String>| Box::new(move |_: &str| requests.pop()) as Next;
    workers.into_iter().map(worker).collect()
}

/// What the machine answers of a kind without us.
async fn floor_of(floor: &Floor, path: &str) -> f64 {
    rate(floor.port, all(&get(path, ""))).await.0
}

/// Rows that are moved on, one for each connection, without us.
async fn floor_of_rotations(floor: &Floor) -> f64 {
    let one = |row| {
        let request = get(&format!("/rotation/{row}"), "");
        Box::new(move |_: &str| Some(request.clone())) as Next
    };
    rate(floor.port, (0..WORKERS).map(one).collect()).await.0
}

/// Passwords that bcrypt hashes a second, on as many threads as there are cores.
fn bare_bcrypt() -> f64 {
    let cores = std::thread::available_parallelism().unwrap().get();
    let began = Instant::now();
    let hashing = || {
        let mut count = 0;
        while began.elapsed() < EACH {
            bcrypt::hash("correct horse battery staple", COST).unwrap();
            count += 1;
        }
        count
    };
    let hashed: u32 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(hashing)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    f64::from(hashed) / began.elapsed().as_secs_f64()
}

/// Prints figures of one database, each beside its floor.
struct Table<'a>(&'a str);

impl Table<'_> {
    fn row(&self, what: &str, (rate, p99): (f64, f64), floor: f64, of: &str) {
        let (database, ratio) = (self.0, rate / floor);
        println!(
            "{database}: {what} {rate:.0}/s, {ratio:.2} of {of} ({floor:.0}/s), p99 {p99:.1} ms"
        );
    }
}

/// What asks for no row: the ratios of the door, of signatures and of what is held in memory.
async fn measure_answers(table: &Table<'_>, floor: &Floor, port: u16) {
    let constant = "a constant answer of its size";
    for (what, path) in [
        ("/healthz", "/healthz"),
        ("JWKS", "/t/acme/oauth2/jwks"),
        ("discovery", "/t/acme/.well-known/openid-configuration"),
    ] {
        let request = get(path, "");
        let (_, body) = Connection::open(port).await.send(&request).await;
        let bare = floor_of(floor, &format!("/constant/{}", body.len())).await;
        table.row(what, rate(port, all(&request)).await, bare, constant);
    }
    let basic = support::basic("web", SECRET);
    let machine = post("/t/acme/oauth2/token", &basic, "grant_type=client_credentials");
    let bare = floor_of(floor, "/signature").await;
    table.row("client credentials", rate(port, all(&machine)).await, bare, "a signature answered");
    let (_, body) = Connection::open(port).await.send(&machine).await;
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let token = format!("token={}", body["access_token"].as_str().unwrap());
    let introspection = post("/t/acme/oauth2/introspect", &basic, &token);
    let (_, body) = Connection::open(port).await.send(&introspection).await;
    let bare = floor_of(floor, &format!("/constant/{}", body.len())).await;
    table.row("introspection", rate(port, all(&introspection)).await, bare, constant);
}

/// Sign-ins by password, alone and with rotations beside them.
async fn measure_passwords(table: &Table<'_>, port: u16) {
    // Who has been here goes before who has not, and all sixteen are the same.
    let (status, body) = Connection::open(port).await.send(&login("dear", "ada")).await;
    assert_eq!(status, 200, "{body}");
    let (_, quiet) = rate(port, rotations(port, 1).await).await;
    let bare = tokio::task::spawn_blocking(bare_bcrypt).await.unwrap();
    let (signed_in, (_, beside)) = tokio::join!(rate(port, all(&login("dear", "ada"))), async {
        rate(port, rotations(port, 1).await).await
    });
    table.row(&format!("sign-in at cost {COST}"), signed_in, bare, "bare bcrypt");
    let database = table.0;
    println!(
        "{database}: a rotation beside those sign-ins, p99 {beside:.1} ms; alone {quiet:.1} ms"
    );
}

async fn measure(name: &str, database: Option<String>) {
    let (table, floor) = (Table(name), Floor::start().await);
    let mut server = Server::new(database, &file());
    let now = portcullis::effects::Effects::system().now().millis();
    Crowd { slug: "acme", sessions: SESSIONS, now, statistics: Statistics::Fresh }
        .gather(&server.database)
        .await;
    server.start().await;
    // Before the sweep begins, which has the crowd's old rows to remove.
    let ended = rate(server.port, endings(&server).await).await;
    table.row("one session ended", ended, 5000.0, "what is aimed at");
    let (bare, what) = if server.database.starts_with("postgres") {
        let bare = pgbench::rate(&server.database, WORKERS, EACH);
        (bare, "one row's compare-and-set by pgbench")
    } else {
        (floor_of_rotations(&floor).await, "a row moved on, signed and answered")
    };
    table.row(
        "rotation",
        rate(server.port, rotations(server.port, WORKERS).await).await,
        bare,
        what,
    );
    measure_answers(&table, &floor, server.port).await;
    measure_passwords(&table, server.port).await;
    println!("{name}: {} MiB resident", server.resident());
}

/// What row-level security costs a rotation: two servers, of which one owns tables whose policies
/// do not hold their owner, in turns.
async fn measure_policies() {
    let mut servers = Vec::new();
    for name in ["policies", "no_policies"] {
        let mut server = Server::new(databases::create("postgres", name).await, &file());
        if name == "no_policies" {
            let owner = databases::client(&server.database).await;
            let each = "SELECT relname::text FROM pg_class WHERE relforcerowsecurity";
            for row in owner.query(each, &[]).await.unwrap() {
                let table: String = row.get(0);
                owner
                    .batch_execute(&format!("ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"))
                    .await
                    .unwrap();
            }
        }
        server.start().await;
        servers.push(server);
    }
    let mut ratios = Vec::new();
    for _ in 0..5 {
        let (with, _) = rate(servers[0].port, rotations(servers[0].port, WORKERS).await).await;
        let (without, _) = rate(servers[1].port, rotations(servers[1].port, WORKERS).await).await;
        println!("postgres: refresh rotation with policies {with:.0}/s, without {without:.0}/s");
        ratios.push(with / without);
    }
    ratios.sort_by(f64::total_cmp);
    println!(
        "postgres: with policies {:.3} of without, the median of {}",
        ratios[ratios.len() / 2],
        ratios.len()
    );
}

#[tokio::main]
async fn main() {
    Floor::be_one().await;
    let kinds = databases::kinds();
    for kind in &kinds {
        measure(kind, databases::create(kind, "load").await).await;
    }
    if kinds.contains(&"postgres") {
        measure_policies().await;
    }
}
