//! What an installation costs that has many tenants, beside one that has one: its start, its
//! memory, the first request of a tenant, and a tenant that is made (issue 9). Each tenant has 100
//! clients and 1,000 users; all of it is measured in turns with the installation of one tenant.

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

use std::time::Instant;

use crowd::{Dialect, fill, users};
use support::{Connection, SECRET, Server, admin::Admin, basic, databases, post, times::Times};

const CLIENTS: usize = 100;
const USERS: usize = 1_000;

/// Tenants whose rows are put in together: half a million users.
const TOGETHER: usize = 500;

/// How often each is started, and how many tenants are made in each at a time.
const STARTS: usize = 10;
const MADE: usize = 60;

/// What nodes would have read of the making of those tenants is over after a quarter of an hour.
const LATER: &str = "DELETE FROM revocation_events;";

fn tenants() -> usize {
    std::env::var("PORTCULLIS_BENCH_TENANTS").map_or(10_000, |text| text.parse().unwrap())
}

fn slug(number: usize) -> String {
    format!("t{number:06}")
}

/// So many tenants with a client each, as `apply` makes them: with keys that the master key seals.
fn file(count: usize) -> String {
    let tenant = |number| {
        format!(
            "
  - slug: {}
    scopes: [{{ name: reports.read }}]
    clients:
      - client_id: web
        client_secret: {SECRET}
        grant_types: [client_credentials]
        scope: reports.read",
            slug(number)
        )
    };
    format!("tenants:{}\n", (0..count).map(tenant).collect::<String>())
}

/// What a tenant has besides: as many clients as `web` is, and users.
fn rows(dialect: Dialect, tenants: &str, now: i64) -> String {
    let clients = dialect.series(CLIENTS - 1);
    let id = dialect.id("2", "i");
    format!(
        "INSERT INTO clients SELECT c.tenant_id, 'client' || i, c.metadata, 1, c.born_seq,
                c.ended_seq, {now}, {now}
            FROM tenants t JOIN clients c ON c.tenant_id = t.id CROSS JOIN {clients}
            WHERE c.client_id = 'web' AND {tenants};
        INSERT INTO client_secrets SELECT s.tenant_id, 'client' || i, {id}, s.digest, {now}, NULL
            FROM tenants t JOIN client_secrets s ON s.tenant_id = t.id CROSS JOIN {clients}
            WHERE s.client_id = 'web' AND {tenants};
        {}",
        users(dialect, tenants, 0, USERS, now)
    )
}

/// The request for a token of a tenant's client.
fn token(number: usize) -> String {
    let path = format!("/t/{}/oauth2/token", slug(number));
    post(&path, &basic("web", SECRET), "grant_type=client_credentials")
}

/// An installation of so many tenants, filled, and started once: the first start makes what is
/// missing.
async fn fill_up(kind: &str, name: &str, count: usize) -> Server {
    let began = Instant::now();
    let mut server = Server::new(databases::create(kind, name).await, &file(count));
    let applied = began.elapsed().as_secs_f64();
    let now = portcullis::effects::Effects::system().now().millis();
    let dialect = Dialect::of(&server.database);
    for first in (0..count).step_by(TOGETHER) {
        let last = (first + TOGETHER).min(count) - 1;
        let some = format!("slug BETWEEN '{}' AND '{}'", slug(first), slug(last));
        fill(&server.database, "", &rows(dialect, &some, now), "").await;
    }
    if kind == "postgres" {
        fill(&server.database, "", "", "VACUUM ANALYZE").await;
    }
    databases::settle(&server.database).await;
    println!(
        "{kind}: {count} tenants applied in {applied:.1} s, {} clients and {} users filled in by \
         {:.1} s",
        count * CLIENTS,
        count * USERS,
        began.elapsed().as_secs_f64()
    );
    server.start_to(&token(0)).await;
    server.stop();
    server
}

/// Starts both in turns.
async fn starts(kind: &str, when: &str, one: &mut Server, many: &mut Server) {
    let mut times = [Times::default(), Times::default()];
    for _ in 0..STARTS {
        for (server, times) in [&mut *one, &mut *many].into_iter().zip(&mut times) {
            times.note_ms(server.start_to(&token(0)).await);
            server.stop();
        }
    }
    let [with_one, with_many] = &times;
    println!(
        "{kind}: start to the first token {when}, median and slowest of {STARTS}: \
         one tenant {:.0} and {:.0} ms, {} tenants {:.0} and {:.0} ms",
        with_one.median(),
        with_one.at(100),
        tenants(),
        with_many.median(),
        with_many.at(100)
    );
}

/// A token in each of these tenants in turn.
async fn tokens(server: &Server, those: std::ops::Range<usize>) -> Times {
    let (mut connection, mut times) = (Connection::open(server.port).await, Times::default());
    for number in those {
        let request = token(number);
        let sent = Instant::now();
        let (status, body) = connection.send(&request).await;
        times.note(sent.elapsed());
        assert_eq!(status, 200, "{body}");
    }
    times
}

/// What is held of tenants that are used, and what it costs to be the first.
async fn memory(kind: &str, one: &Server, many: &Server) {
    println!("{kind}: after a token of one: {} MiB with one tenant", one.resident());
    let (start, some) = (many.resident(), (tenants() / 100).max(1));
    tokens(many, 1..some).await;
    println!(
        "{kind}: the same with {}: {start} MiB; {some} used: {} MiB",
        tenants(),
        many.resident()
    );
    for turn in ["first", "second", "third"] {
        let began = Instant::now();
        let times = tokens(many, some..tenants()).await;
        println!(
            "{kind}: a token in each, {turn} time, {:.1} s: p50 {:.2}, p99 {:.2}, \
             slowest {:.1} ms; {} MiB",
            began.elapsed().as_secs_f64(),
            times.median(),
            times.at(99),
            times.at(100),
            many.resident()
        );
    }
    let mut connection = Connection::open(one.port).await;
    let mut times = Times::default();
    for _ in 0..1_000 {
        let sent = Instant::now();
        connection.send(&token(0)).await;
        times.note(sent.elapsed());
    }
    println!(
        "{kind}: a token with one tenant: p50 {:.2}, p99 {:.2} ms",
        times.median(),
        times.at(99)
    );
}

/// Makes tenants in both, in turns.
async fn makings(kind: &str, when: &str, one: &Server, many: &Server) {
    let mut admins = [Admin::of(one).await, Admin::of(many).await];
    let mut times = [Times::default(), Times::default()];
    for number in 0..MADE {
        for (admin, times) in admins.iter_mut().zip(&mut times) {
            let body = format!(r#"{{"slug":"made-{when}-{number}"}}"#);
            let (status, answer, time) = admin.send("POST", "/tenants", &body).await;
            assert_eq!(status, 201, "{answer}");
            times.note_ms(time);
        }
    }
    let [with_one, with_many] = &times;
    println!(
        "{kind}: a tenant made, the others {when}, p50 and p95 of {MADE}: \
         beside one {:.1} and {:.1} ms, beside {} {:.1} and {:.1} ms",
        with_one.median(),
        with_one.at(95),
        tenants(),
        with_many.median(),
        with_many.at(95)
    );
}

#[tokio::main]
async fn main() {
    for kind in databases::kinds() {
        let mut one = fill_up(kind, "tenants_one", 1).await;
        let mut many = fill_up(kind, "tenants_many", tenants()).await;
        starts(kind, "right after", &mut one, &mut many).await;
        for server in [&mut one, &mut many] {
            fill(&server.database, "", LATER, "").await;
        }
        starts(kind, "later", &mut one, &mut many).await;
        for server in [&mut one, &mut many] {
            server.start_to(&token(0)).await;
        }
        makings(kind, "idle", &one, &many).await;
        memory(kind, &one, &many).await;
        makings(kind, "used", &one, &many).await;
        let urls = [one.database.clone(), many.database.clone()];
        drop((one, many));
        for url in urls {
            databases::remove(&url).await;
        }
    }
}
