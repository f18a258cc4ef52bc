//! What more nodes bring and what stays with the one PostgreSQL behind them: rotations and
//! introspections at one, two and three nodes, and what each thing costs the database in bytes on
//! the disk and in its log.
//!
//! Nodes, database, Redis and load share the machine, so what counts is whose cores it were.

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
#[path = "support/usage.rs"]
mod usage;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crowd::{Dialect, fill, users};
use support::{
    Connection, SECRET, Server, admin::Admin, basic, databases, login, post, rotation, tenant,
    times::Times,
};
use tokio_postgres::Client;
use usage::Machine;

const NODES: usize = 3;

/// Workers that have one request under way at a time.
const WORKERS: usize = 24;

/// What is not counted at first: nodes open connections and prepare statements.
const WARM: Duration = Duration::from_millis(500);
const EACH: Duration = Duration::from_secs(3);

/// Copies of a row that was written by a request, by which its size is told.
const COPIES: usize = 10_000;

/// Users that the copied sessions are of.
const USERS: usize = 2_500;

/// As browsers name themselves; it goes into the session and into the trail.
const BROWSER: &str = "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) \
     AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36\r\n";

/// How often the log is asked before and after something, each time right after a checkpoint.
const COLD: usize = 9;

/// What a worker sends, made of its last answer; nothing of none.
type Next = Box<dyn FnMut(&str) -> String + Send>;

fn sign_in() -> String {
    login("acme", "ada").replace("Host: x\r\n", &format!("Host: x\r\n{BROWSER}"))
}

fn json(body: &str) -> serde_json::Value {
    serde_json::from_str(body).unwrap()
}

fn successor(body: &str) -> String {
    rotation("acme", json(body)["refresh_token"].as_str().unwrap())
}

/// The request of a client for a token of its own.
fn machine_token() -> String {
    post("/t/acme/oauth2/token", &basic("web", SECRET), "grant_type=client_credentials")
}

async fn ask(connection: &mut Connection, request: &str) -> String {
    let (status, body) = connection.send(request).await;
    assert!(matches!(status, 200..=299), "{status} {body}");
    body
}

/// Workers that rotate, each in a session of its own.
async fn rotations(port: u16) -> Vec<Next> {
    let mut connection = Connection::open(port).await;
    let mut workers: Vec<Next> = Vec::new();
    for _ in 0..WORKERS {
        let first = successor(&ask(&mut connection, &sign_in()).await);
        workers.push(Box::new(
            move |last| {
                if last.is_empty() { first.clone() } else { successor(last) }
            },
        ));
    }
    workers
}

/// Workers that ask what one access token is worth, which the first node has made.
async fn introspections(port: u16) -> Vec<Next> {
    let body = ask(&mut Connection::open(port).await, &machine_token()).await;
    let form = format!("token={}", json(&body)["access_token"].as_str().unwrap());
    let request = post("/t/acme/oauth2/introspect", &basic("web", SECRET), &form);
    let one = |_| {
        let request = request.clone();
        Box::new(move |_: &str| request.clone()) as Next
    };
    (0..WORKERS).map(one).collect()
}

/// A worker with a kept connection to each node: what it sends goes round, so that no node can do
/// with what it has seen itself. When each answer came, and how long it took.
async fn work(
    ports: Vec<u16>,
    first: usize,
    mut next: Next,
    over: Arc<AtomicBool>,
) -> Vec<(Instant, Duration)> {
    let mut connections = Vec::new();
    for port in ports {
        connections.push(Connection::open(port).await);
    }
    let (mut last, mut times, mut at) = (String::new(), Vec::new(), first);
    while !over.load(Ordering::Relaxed) {
        let request = next(&last);
        let to = at % connections.len();
        let sent = Instant::now();
        last = ask(&mut connections[to], &request).await;
        times.push((Instant::now(), sent.elapsed()));
        at += 1;
    }
    times
}

/// Prints how much so many workers get done at these nodes, and what each process took meanwhile.
async fn measure(what: &str, nodes: &[Server], machine: &Machine, workers: Vec<Next>) {
    let over = Arc::new(AtomicBool::new(false));
    let ports: Vec<u16> = nodes.iter().map(|node| node.port).collect();
    let spawn = |(first, next)| tokio::spawn(work(ports.clone(), first, next, Arc::clone(&over)));
    let working: Vec<_> = workers.into_iter().enumerate().map(spawn).collect();
    tokio::time::sleep(WARM).await;
    let (before, from) = (machine.taken(), Instant::now());
    tokio::time::sleep(EACH).await;
    let (after, until) = (machine.taken(), Instant::now());
    over.store(true, Ordering::Relaxed);
    let mut times = Times::default();
    for worker in working {
        for (at, took) in worker.await.unwrap() {
            if at >= from && at < until {
                times.note(took);
            }
        }
    }
    let rate = times.count() as f64 / (until - from).as_secs_f64();
    let shares = after.since(&before);
    // A share of one core, in milliseconds of it for each answer.
    let each = |share: f64| share * 10.0 / rate;
    println!(
        "{} node(s): {what} {rate:.0}/s, p50 {:.1}, p99 {:.1} ms; {:.3} ms of the nodes and \
         {:.3} ms of PostgreSQL each; {shares}",
        nodes.len(),
        times.median(),
        times.at(99),
        each(shares.nodes.iter().sum()),
        each(shares.postgres)
    );
}

/// Puts copies of one row beside it, which differ in what would differ, and prints what each takes.
async fn multiply(db: &Client, url: &str, table: &str, which: &str, changes: &str) {
    let rows = format!(
        "INSERT INTO {table} SELECT copy.* FROM {table} r, {}, \
            LATERAL jsonb_populate_record(r, jsonb_build_object({changes})) copy \
         WHERE r.ctid = (SELECT ctid FROM {table} WHERE {which} LIMIT 1);",
        Dialect::Postgres.series(COPIES)
    );
    let size = format!("SELECT pg_table_size('{table}'), pg_indexes_size('{table}')");
    let before = db.query_one(&size, &[]).await.unwrap();
    fill(url, "", &rows, &format!("VACUUM ANALYZE {table}")).await;
    let after = db.query_one(&size, &[]).await.unwrap();
    let [row, index] =
        [0, 1].map(|at| (after.get::<_, i64>(at) - before.get::<_, i64>(at)) / COPIES as i64);
    println!(
        "on the disk: {table} where {which}: {} bytes each, {row} in the table and {index} in its \
         indexes",
        row + index
    );
}

/// Sessions with their families, as a sign-in has written one, of many users.
async fn multiply_sessions(db: &Client, url: &str) {
    let dialect = Dialect::Postgres;
    let now = portcullis::effects::Effects::system().now().millis();
    fill(url, "", &users(dialect, "slug = 'acme'", 0, USERS, now), "").await;
    // Users do not sign in one after the other: 1,009 has no divisor with their number.
    let user = dialect.id("1", &format!("(i * 1009 % {USERS})"));
    let (session, family) = (dialect.id("2", "i"), dialect.id("3", "i"));
    let changes = format!("'id', {session}, 'user_id', {user}, 'expires_at', r.expires_at + i");
    multiply(db, url, "sessions", "ended_at IS NULL", &changes).await;
    let changes = format!("'id', {family}, 'session_id', {session}, 'user_id', {user}");
    multiply(db, url, "token_families", "ended_at IS NULL", &changes).await;
}

/// Entries of the trail and events, as sign-ins and endings have written one. Nobody follows these:
/// the nodes are stopped.
async fn multiply_events(db: &Client, url: &str) {
    let dialect = Dialect::Postgres;
    // Later than all that there are, as new entries are, or pages of the indexes would be split in
    // halves.
    for (first, action) in [("01fe", "session.started"), ("01ff", "session.forced_logout")] {
        let changes = format!("'id', {}", dialect.id("4", "i").replace("0190", first));
        multiply(db, url, "audit_events", &format!("action = '{action}'"), &changes).await;
    }
    let changes = format!(
        "'seq', i - 1000000, 'subject', {}::text, 'expires_at', r.expires_at + i",
        dialect.id("2", "i")
    );
    multiply(db, url, "revocation_events", "kind = 'session'", &changes).await;
}

/// What PostgreSQL writes into its log.
struct Log<'a> {
    db: &'a Client,
    url: &'a str,
    /// Bytes a second while nothing is asked: leases, mostly.
    rest: f64,
}

impl<'a> Log<'a> {
    async fn new(db: &'a Client, url: &'a str) -> Self {
        let mut log = Self { db, url, rest: 0.0 };
        let (began, before) = (Instant::now(), log.position().await);
        tokio::time::sleep(Duration::from_secs(4)).await;
        log.rest = (log.position().await - before) as f64 / began.elapsed().as_secs_f64();
        println!("in the log: {:.0} bytes a second of one node at rest", log.rest);
        log
    }

    /// How far it was filled, whether or not that lies on the disk yet.
    async fn position(&self) -> i64 {
        let asked = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint";
        self.db.query_one(asked, &[]).await.unwrap().get(0)
    }

    /// Prints what one of these adds, less what is written at rest. Pages that were written since
    /// the last checkpoint are not written whole again.
    async fn warm(&self, what: &str, count: usize, mut act: impl AsyncFnMut()) {
        for _ in 0..count.div_ceil(10) {
            act().await;
        }
        let (began, before) = (Instant::now(), self.position().await);
        for _ in 0..count {
            act().await;
        }
        let added = (self.position().await - before) as f64;
        let each = (added - self.rest * began.elapsed().as_secs_f64()) / count as f64;
        // Neither is a hair less than nothing.
        println!("in the log: {:.0} bytes for {what}, of {count}", each.round() + 0.0);
    }

    /// Prints what one adds where all its pages have to be written whole, since none was written
    /// since the last checkpoint: the most it can be.
    async fn cold(&self, what: &str, mut act: impl AsyncFnMut()) {
        let mut added = Times::default();
        for _ in 0..COLD {
            databases::settle(self.url).await;
            let before = self.position().await;
            act().await;
            added.note_ms((self.position().await - before) as f64);
        }
        println!(
            "in the log: {:.0} bytes for {what} right after a checkpoint, the median of {COLD}",
            added.median()
        );
    }
}

/// What each kind of request adds to the log at one node; `next` is a rotation of a family whose
/// page is as full as pages are.
async fn log(db: &Client, server: &Server, mut next: String) {
    let log = Log::new(db, &server.database).await;
    let mut admin = Admin::of(server).await;
    // In no order, as people are logged out.
    let ids = "SELECT id::text FROM sessions WHERE id < '01910000-0000-7000-8000-000000000000' \
               ORDER BY md5(id::text) LIMIT 1000";
    let ids = db.query(ids, &[]).await.unwrap();
    let mut ids = ids.iter().map(|row| row.get::<_, String>(0));
    let mut end = async || {
        let path = format!("/tenants/acme/sessions/{}", ids.next().unwrap());
        let (status, body, _) = admin.send("DELETE", &path, "").await;
        assert!(matches!(status, 200..=299), "{status} {body}");
    };
    let mut kept = Connection::open(server.port).await;
    let mut rotate = async || next = successor(&ask(&mut kept, &next).await);
    let mut kept = Connection::open(server.port).await;
    let mut sign_in = async || drop(ask(&mut kept, &sign_in()).await);
    let mut kept = Connection::open(server.port).await;
    let machine = async || drop(ask(&mut kept, &machine_token()).await);
    // Before the first checkpoint that is asked for below: all pages were written since the last.
    log.warm("one session ended", 300, &mut end).await;
    log.warm("one rotation", 300, &mut rotate).await;
    log.warm("one sign-in", 30, &mut sign_in).await;
    log.warm("one token of a client", 2_000, machine).await;
    log.cold("one session ended", &mut end).await;
    log.cold("one rotation", &mut rotate).await;
    log.cold("one sign-in", &mut sign_in).await;
}

/// Asks PostgreSQL over a connection that may see every tenant's rows.
async fn client(url: &str) -> Client {
    let client = databases::client(url).await;
    client.batch_execute("SET portcullis.every_tenant = 'on'").await.unwrap();
    client
}

/// The process of Redis, by its own word.
fn process_of(redis: &str) -> u32 {
    let mut connection = redis::Client::open(redis).unwrap().get_connection().unwrap();
    let told: String = redis::cmd("INFO").arg("server").query(&mut connection).unwrap();
    let line = told.lines().find_map(|line| line.strip_prefix("process_id:"));
    line.unwrap().trim().parse().unwrap()
}

#[tokio::main]
async fn main() {
    let Ok(redis) = std::env::var("PORTCULLIS_TEST_REDIS") else { return };
    let Some(url) = databases::create("postgres", "scaling").await else { return };
    let mut first = Server::new(Some(url.clone()), &format!("tenants:{}", tenant("acme")));
    first.share_over(redis.clone());
    first.start().await;
    let db = client(&url).await;
    let backend: i32 = db.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    let mut machine = Machine::new(u32::try_from(backend).unwrap(), process_of(&redis));
    let signed_in = ask(&mut Connection::open(first.port).await, &sign_in()).await;
    multiply_sessions(&db, &url).await;
    log(&db, &first, successor(&signed_in)).await;
    let mut nodes = vec![first];
    loop {
        machine.nodes = nodes.iter().map(Server::process).collect();
        measure("rotation", &nodes, &machine, rotations(nodes[0].port).await).await;
        let workers = introspections(nodes[0].port).await;
        measure("introspection", &nodes, &machine, workers).await;
        if nodes.len() == NODES {
            break;
        }
        let mut node = nodes[0].beside();
        node.start().await;
        nodes.push(node);
    }
    nodes.iter_mut().for_each(Server::stop);
    multiply_events(&db, &url).await;
    drop(db);
    databases::remove(&url).await;
}
