//! How many instructions the server runs for a request, counted by valgrind: the same on every machine and in
//! every noise, so that a few per cent can be told.
//!
//! `benches/instructions.toml` says how many there were; more by more than 3 % fails. With
//! `--write` it is written anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "it may stop where it stands, and nobody builds on it"
)]

mod support;

use std::{collections::BTreeMap, process::Command};

use support::{Connection, SECRET, Server, get, login, post, rotation, tenant};

/// Where the counts are kept.
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.toml");

const HEAD: &str = "# Instructions that the server runs for one request over a connection that is kept: SQLite, release
# build, one thread. Written by `cargo bench --bench instructions -- --write`.
";

/// How much more is too much.
const TOO_MUCH: f64 = 1.03;

/// Requests that are counted together.
const COUNTED: u64 = 200;

/// Requests before, so that what is made once is made.
const BEFORE: u64 = 30;

/// The server under valgrind.
struct Counted {
    server: Server,
    process: String,
    dumps: usize,
}

impl Counted {
    async fn start() -> Self {
        let mut server = Server::new(None, &format!("tenants:{}", tenant("acme")));
        let out = format!("--callgrind-out-file={}", server.folder().join("out").display());
        let process = server.start_under(&["valgrind", "--tool=callgrind", &out]).await;
        Self { server, process: process.to_string(), dumps: 0 }
    }

    fn control(&self, what: &str) {
        let done = Command::new("callgrind_control").args([what, &self.process]).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// The instructions since the last call of this.
    fn count(&mut self) -> u64 {
        self.control("--dump");
        self.dumps += 1;
        let dump = self.server.folder().join(format!("out.{}", self.dumps));
        let dump = std::fs::read_to_string(dump).unwrap();
        let totals = dump.lines().find_map(|line| line.strip_prefix("totals: ")).unwrap();
        totals.trim().parse().unwrap()
    }
}

/// What is asked after an answer, where it is not the same again.
type Next = fn(&str) -> Option<String>;

/// Sends what `next` makes of the last answer, so many times.
async fn send(connection: &mut Connection, request: &mut String, next: Next, times: u64) {
    for _ in 0..times {
        let (status, body) = connection.send(request).await;
        assert_eq!(status, 200, "{body}");
        if let Some(after) = next(&body) {
            *request = after;
        }
    }
}

fn same(_: &str) -> Option<String> {
    None
}

fn member(body: &str, name: &str) -> String {
    let json: serde_json::Value = serde_json::from_str(body).unwrap();
    json[name].as_str().unwrap().to_owned()
}

fn successor(body: &str) -> Option<String> {
    Some(rotation("acme", &member(body, "refresh_token")))
}

async fn counts() -> BTreeMap<String, u64> {
    let mut counted = Counted::start().await;
    let mut connection = Connection::open(counted.server.port).await;
    let basic = support::basic("web", SECRET);
    let machine = post("/t/acme/oauth2/token", &basic, "grant_type=client_credentials");
    let (_, body) = connection.send(&machine).await;
    let token = format!("token={}", member(&body, "access_token"));
    let introspection = post("/t/acme/oauth2/introspect", &basic, &token);
    let (_, body) = connection.send(&login("acme", "ada")).await;
    let refresh = successor(&body).unwrap();
    let asked: [(&str, String, Next); 5] = [
        ("healthz", get("/healthz", ""), same),
        ("jwks", get("/t/acme/oauth2/jwks", ""), same),
        ("client_credentials", machine, same),
        ("introspection", introspection, same),
        ("refresh", refresh, successor),
    ];
    let mut counts = BTreeMap::new();
    for (name, mut request, next) in asked {
        send(&mut connection, &mut request, next, BEFORE).await;
        counted.count();
        let mut each = Vec::new();
        for _ in 0..3 {
            send(&mut connection, &mut request, next, COUNTED).await;
            each.push(counted.count() / COUNTED);
        }
        each.sort_unstable();
        counts.insert(name.to_owned(), each[1]);
    }
    counts
}

#[tokio::main]
async fn main() {
    let counts = counts().await;
    if std::env::args().any(|argument| argument == "--write") {
        std::fs::write(KEPT, format!("{HEAD}{}", toml::to_string(&counts).unwrap())).unwrap();
    }
    let kept = std::fs::read_to_string(KEPT).unwrap();
    let kept: BTreeMap<String, u64> = toml::from_str(&kept).unwrap();
    let mut is_more = false;
    for (name, count) in &counts {
        let before = *kept.get(name).unwrap_or_else(|| panic!("{KEPT} has no {name}"));
        let ratio = *count as f64 / before as f64;
        println!("{name}: {count} instructions, {ratio:.3} of {before}");
        is_more |= ratio > TOO_MUCH;
    }
    assert!(!is_more, "more instructions than {TOO_MUCH} of what is kept");
}
