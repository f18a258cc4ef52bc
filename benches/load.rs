//! A bounded load on the real server, from loopback.
//!
//! Machines are shared and noisy, so each figure stands beside the rate of `/healthz` that was
//! measured in the same run: the ratio is what can be compared.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "it may stop where it stands, and nobody builds on it"
)]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use support::{Connection, SECRET, Server, get, login, post, rotation, tenant};

const WORKERS: usize = 16;
const EACH: Duration = Duration::from_secs(4);
fn file() -> String {
    format!("tenants:{}", tenant("acme"))
}

/// Requests a second of `WORKERS` connections, each sending what `next` makes of its last answer;
/// and the 99th percentile in milliseconds.
async fn rate(port: u16, starts: Vec<String>, next: fn(&str) -> Option<String>) -> (f64, f64) {
    let done = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let mut work = Vec::new();
    for start in starts {
        let done = Arc::clone(&done);
        work.push(tokio::spawn(async move {
            let mut connection = Connection::open(port).await;
            let (mut request, mut times) = (start, Vec::new());
            while began.elapsed() < EACH {
                let sent = Instant::now();
                let (status, body) = connection.send(&request).await;
                assert_eq!(status, 200, "{body}");
                times.push(sent.elapsed());
                done.fetch_add(1, Ordering::Relaxed);
                if let Some(after) = next(&body) {
                    request = after;
                }
            }
            times
        }));
    }
    let mut times = Vec::new();
    for worker in work {
        times.extend(worker.await.unwrap());
    }
    let rate = done.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64();
    times.sort();
    (rate, times[times.len() * 99 / 100].as_secs_f64() * 1000.0)
}

fn same(_: &str) -> Option<String> {
    None
}

fn successor(body: &str) -> Option<String> {
    let json: serde_json::Value = serde_json::from_str(body).unwrap();
    Some(rotation("acme", json["refresh_token"].as_str().unwrap()))
}

/// Requests that rotate: one for each of as many sessions as there are workers.
async fn rotations(port: u16) -> Vec<String> {
    let mut connection = Connection::open(port).await;
    let mut families = Vec::new();
    for _ in 0..WORKERS {
        let (status, body) = connection.send(&login("acme", "ada")).await;
        assert_eq!(status, 200, "{body}");
        families.push(successor(&body).unwrap());
    }
    families
}

async fn measure(name: &str, database: Option<String>) {
    let mut server = Server::new(database, &file());
    server.start().await;
    let mut connection = Connection::open(server.port).await;
    let basic = support::basic("web", SECRET);
    let machine = post("/t/acme/oauth2/token", &basic, "grant_type=client_credentials");
    let (_, body) = connection.send(&machine).await;
    let token = serde_json::from_str::<serde_json::Value>(&body).unwrap()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let introspection = post("/t/acme/oauth2/introspect", &basic, &format!("token={token}"));
    let all = |request: &str| vec![request.to_owned(); WORKERS];
    let (nothing, _) = rate(server.port, all(&get("/healthz", "")), same).await;
    println!("{name}: /healthz {nothing:.0}/s");
    for (what, starts, next) in [
        ("client_credentials", all(&machine), same as fn(&str) -> Option<String>),
        ("introspection", all(&introspection), same),
        ("refresh rotation", rotations(server.port).await, successor),
    ] {
        let (rate, p99) = rate(server.port, starts, next).await;
        println!("{name}: {what} {rate:.0}/s, {:.2} of /healthz, p99 {p99:.1} ms", rate / nothing);
    }
}

/// What row-level security costs a rotation: two servers, of which one owns tables whose policies
/// do not hold their owner, in turns.
async fn measure_policies(postgres: &str, admin: &tokio_postgres::Client) {
    let mut servers = Vec::new();
    for name in ["policies", "no_policies"] {
        admin.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        let url = format!("{postgres}/{name}");
        let mut server = Server::new(Some(url.clone()), &file());
        if name == "no_policies" {
            let (owner, connection) =
                tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(connection);
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
        let (with, _) = rate(servers[0].port, rotations(servers[0].port).await, successor).await;
        let (without, _) = rate(servers[1].port, rotations(servers[1].port).await, successor).await;
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
    measure("sqlite", None).await;
    if let Ok(server) = std::env::var("PORTCULLIS_TEST_POSTGRES") {
        let (client, connection) =
            tokio_postgres::connect(&format!("{server}/postgres"), tokio_postgres::NoTls)
                .await
                .unwrap();
        tokio::spawn(connection);
        client.batch_execute("CREATE DATABASE load").await.unwrap();
        measure("postgres", Some(format!("{server}/load"))).await;
        measure_policies(&server, &client).await;
    }
}
