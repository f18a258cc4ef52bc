//! Memory of 10,000 live sessions in use (issue 9): each is rotated, and its access token
//! introspected, one after the other and round again, for as many seconds as
//! `PORTCULLIS_BENCH_SECONDS` says.

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

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use portcullis::{
    domain::{FamilyId, TenantId},
    keys::{Keystore, MasterKey, RefreshToken},
    storage::{Pool, Storage},
};
use serde_json::Value;

use crowd::{Crowd, Statistics};
use support::{Connection, SECRET, Server, admin::Admin, basic, databases, post, rotation, tenant};

const SESSIONS: usize = 10_000;
const WORKERS: usize = 4;

/// How often memory is looked at.
const LOOKS: u64 = 12;

fn seconds() -> u64 {
    std::env::var("PORTCULLIS_BENCH_SECONDS").map_or(60, |text| text.parse().unwrap())
}

/// The first refresh token of each family of the crowd. Ten thousand people who sign in are ten
/// minutes of bcrypt, and what is made by the database has never told anybody its token.
async fn refresh_tokens(server: &Server, tenant: TenantId) -> Vec<String> {
    let master = MasterKey::load(&server.folder().join("data/master.key")).unwrap();
    let storage = Storage::new(Pool::open(&server.database, 1).await.unwrap());
    let keys = Keystore::new(master, storage, Arc::default());
    let token = |number: usize| {
        let bytes = 0x0190_0000_0000_7000_8000_0000_0000_0003_u128 | (number as u128) << 80;
        let family = FamilyId::from_bytes(bytes.to_be_bytes());
        RefreshToken { family, generation: 0 }.seal(&keys, tenant)
    };
    (0..SESSIONS).map(token).collect()
}

/// Rotates these in turn, and asks about the access token that came with each, until it is over.
async fn use_them(
    port: u16,
    mut tokens: Vec<String>,
    over: Arc<AtomicBool>,
    used: Arc<AtomicUsize>,
) {
    let mut connection = Connection::open(port).await;
    let web = basic("web", SECRET);
    'all: loop {
        for token in &mut tokens {
            if over.load(Ordering::Relaxed) {
                break 'all;
            }
            let (status, body) = connection.send(&rotation("acme", token)).await;
            assert_eq!(status, 200, "{body}");
            let body: Value = serde_json::from_str(&body).unwrap();
            *token = body["refresh_token"].as_str().unwrap().to_owned();
            let form = format!("token={}", body["access_token"].as_str().unwrap());
            let (status, body) =
                connection.send(&post("/t/acme/oauth2/introspect", &web, &form)).await;
            assert!(status == 200 && body.contains(r#""active":true"#), "{status} {body}");
            used.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn measure(kind: &str, mut server: Server) {
    let now = portcullis::effects::Effects::system().now().millis();
    Crowd { slug: "acme", sessions: SESSIONS, now, statistics: Statistics::Fresh }
        .gather(&server.database)
        .await;
    databases::settle(&server.database).await;
    server.start().await;
    println!("{kind}: {SESSIONS} sessions, {} MiB at the start", server.resident());
    let tenant = Admin::of(&server).await.get("/tenants/acme").await;
    let tenant = tenant["id"].as_str().unwrap().parse().unwrap();
    let tokens = refresh_tokens(&server, tenant).await;
    let (over, used) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let workers: Vec<_> = tokens
        .chunks(SESSIONS / WORKERS)
        .map(|some| use_them(server.port, some.to_vec(), Arc::clone(&over), Arc::clone(&used)))
        .map(tokio::spawn)
        .collect();
    let step = Duration::from_secs(seconds()) / u32::try_from(LOOKS).unwrap();
    let (began, mut most) = (std::time::Instant::now(), 0);
    for _ in 0..LOOKS {
        tokio::time::sleep(step).await;
        most = most.max(server.resident());
        println!(
            "{kind}: after {:.0} s, {} rotations and introspections: {} MiB",
            began.elapsed().as_secs_f64(),
            used.load(Ordering::Relaxed),
            server.resident()
        );
    }
    over.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.await.unwrap();
    }
    println!("{kind}: {most} MiB at most");
}

#[tokio::main]
async fn main() {
    let file = format!("tenants:{}", tenant("acme"));
    for kind in databases::kinds() {
        let server = Server::new(databases::create(kind, "memory").await, &file);
        let database = server.database.clone();
        measure(kind, server).await;
        databases::remove(&database).await;
    }
}
