//! Portcullis beside Keycloak and Ory Hydra, on one PostgreSQL and in turns: `make bench-peers`. And beside
//! node-oidc-provider, which keeps everything in memory, Portcullis on SQLite.
//!
//! They share the machine with their database and with the load, so a figure holds for nothing but
//! the ratio to the others of its run. What each is set to is printed with them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "it may stop where it stands, and nobody builds on it"
)]

#[path = "support/hydra.rs"]
mod hydra;
#[path = "support/peer.rs"]
mod peer;
#[allow(dead_code, reason = "the other benches ask for more of it")]
mod support;

use std::{path::Path, process::Command, time::Duration};

use base64::Engine as _;
use peer::{Figure, Peer, Rate, WORKERS, setting, successor};
use support::{SECRET, Server, databases, free_port, get, login, post, tenant};

/// A figure of one server in one round.
const EACH: Duration = Duration::from_secs(3);

/// Rounds before the first that counts, at most.
const WARM: usize = 20;

/// Odd, so that there is a median; every other one goes the other way round.
const ROUNDS: usize = 5;
const STARTS: usize = 3;

const FIGURES: [(Figure, &str); 5] = [
    (Figure::Machine, "client credentials"),
    (Figure::Rotation, "refresh with rotation"),
    (Figure::Introspection, "introspection"),
    (Figure::Jwks, "JWKS"),
    (Figure::SignIn, "sign-in by password"),
];

/// Our own, with passwords as dear as they are where a tenant says nothing.
fn portcullis(name: &'static str, database: Option<String>) -> Peer {
    let file = tenant("acme").replace("settings: { password_bcrypt_cost: 10 }", "settings: {}");
    let server = Server::new(database, &format!("tenants:{file}"));
    Peer {
        name,
        port: server.port,
        introspection: Some((server.port, "/t/acme/oauth2/introspect")),
        token: "/t/acme/oauth2/token",
        jwks: "/t/acme/oauth2/jwks",
        sign_in: Some(login("acme", "ada")),
        rotations: Vec::new(),
        command: Box::new(move || server.command(&["serve"])),
        child: None,
    }
}

/// As `benches/peers` has built it and filled its database.
fn keycloak() -> Peer {
    let port = free_port();
    let token = "/realms/acme/protocol/openid-connect/token";
    let form =
        "grant_type=password&client_id=app&username=ada&password=correct+horse+battery+staple";
    let command = move || {
        let mut command = Command::new(Path::new(&setting("PEERS_KEYCLOAK")).join("bin/kc.sh"));
        command
            .args(["start", "--optimized"])
            .env("KC_HTTP_HOST", "127.0.0.1")
            .env("KC_HTTP_PORT", port.to_string())
            .env("KC_HOSTNAME", format!("http://127.0.0.1:{port}"));
        command
    };
    Peer {
        name: "Keycloak",
        port,
        introspection: Some((port, "/realms/acme/protocol/openid-connect/token/introspect")),
        token,
        jwks: "/realms/acme/protocol/openid-connect/certs",
        sign_in: Some(post(token, "", form)),
        rotations: Vec::new(),
        command: Box::new(command),
        child: None,
    }
}

/// As `tests/clients/node_oidc_provider.mjs` sets it up. It has no passwords, and does not introspect what is
/// signed.
fn node_oidc_provider() -> Peer {
    let port = free_port();
    let command = move || {
        let mut command = Command::new("node");
        command
            .arg("tests/clients/node_oidc_provider.mjs")
            .env("NODE_ENV", "production")
            .env("PORT", port.to_string())
            .env("CLIENT_SECRET", SECRET);
        command
    };
    Peer {
        name: "node-oidc-provider",
        port,
        introspection: None,
        token: "/token",
        jwks: "/jwks",
        sign_in: None,
        rotations: Vec::new(),
        command: Box::new(command),
        child: None,
    }
}

/// Begins the grants in which the workers of node-oidc-provider rotate.
async fn begin_rotations_of_node(node: &mut Peer) {
    for _ in 0..WORKERS {
        let answer = node.ask(node.port, &get("/begin", "")).await;
        node.rotations.push(successor(node.token, &answer.to_string()));
    }
}

/// Whose turn it is in a round.
fn order(round: usize, count: usize) -> Vec<usize> {
    if round.is_multiple_of(2) { (0..count).collect() } else { (0..count).rev().collect() }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// What is in the table for one server: a number to be compared, and how it is shown.
type Cell = Option<(f64, String)>;

fn print_row(what: &str, cells: &[Cell]) {
    let shown = |cell: &Cell| cell.as_ref().map_or("none".to_owned(), |(_, shown)| shown.clone());
    let ratio = |(ours, theirs): (usize, usize)| match (&cells[ours], &cells[theirs]) {
        (Some((ours, _)), Some((theirs, _))) => format!("{:.3}", ours / theirs),
        _ => String::new(),
    };
    let ratios = [(0, 1), (0, 2), (3, 4)].into_iter().map(ratio);
    let columns: Vec<String> = cells.iter().map(shown).chain(ratios).collect();
    println!("| {what} | {} |", columns.join(" | "));
}

/// Each starts some times, alone, and remains the last time.
async fn starts(peers: &mut [Peer]) -> Vec<Cell> {
    let mut times = vec![Vec::new(); peers.len()];
    for round in 0..STARTS {
        for at in order(round, peers.len()) {
            times[at].push(peers[at].start().await);
            peers[at].stop();
        }
    }
    for peer in peers {
        peer.start().await;
    }
    let cell = |times| {
        let time = median(times);
        Some((time, format!("{time:.0} ms")))
    };
    times.into_iter().map(cell).collect()
}

/// What rounds come to.
fn summary(rates: &[Rate]) -> (f64, String) {
    let rate = median(rates.iter().map(|rate| rate.each_second).collect());
    let p99 = median(rates.iter().map(|rate| rate.p99).collect());
    let refused: usize = rates.iter().map(|rate| rate.refused).sum();
    let refused = if refused == 0 { String::new() } else { format!(", {refused} refused") };
    let digits = if rate < 100.0 { 1 } else { 0 };
    (rate, format!("{rate:.digits$}/s, p99 {p99:.1} ms{refused}"))
}

/// What is compiled while it runs gets faster for a while: until two rounds in a row were no better
/// than the best before them by more than a twentieth.
async fn warm(peer: &mut Peer, figure: Figure) {
    let (mut best, mut idle) = (0.0, 0);
    for _ in 0..WARM {
        let Some(Rate { each_second, .. }) = peer.measure(figure, EACH).await else { return };
        idle = if each_second > best * 1.05 { 0 } else { idle + 1 };
        best = each_second.max(best);
        if idle == 2 {
            return;
        }
    }
}

/// One figure of all, in turns; each round goes to the standard error, for whoever wonders.
async fn rates(peers: &mut [Peer], (figure, what): (Figure, &str)) -> Vec<Cell> {
    let mut rates: Vec<Vec<Rate>> = vec![Vec::new(); peers.len()];
    for peer in peers.iter_mut() {
        warm(peer, figure).await;
    }
    for round in 1..=ROUNDS {
        for at in order(round, peers.len()) {
            let Some(rate) = peers[at].measure(figure, EACH).await else { continue };
            let (_, shown) = summary(&[rate]);
            eprintln!("round {round}: {}: {what}: {shown}", peers[at].name);
            rates[at].push(rate);
        }
    }
    let cell = |rates: &Vec<Rate>| (!rates.is_empty()).then(|| summary(rates));
    rates.iter().map(cell).collect()
}

/// By which the tokens of a server are signed, as they say themselves.
async fn algorithms(peer: &Peer) -> String {
    let mut algorithms = Vec::new();
    for token in peer.tokens().await {
        let head = token.split('.').next().unwrap();
        let head = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(head).unwrap();
        let head: serde_json::Value = serde_json::from_slice(&head).unwrap();
        algorithms.push(head["alg"].as_str().unwrap().to_owned());
    }
    algorithms.dedup();
    format!("{} signs access tokens by {}", peer.name, algorithms.join(" and "))
}

/// The first column of what a database answers.
async fn query(url: &str, query: &str) -> String {
    let client = databases::client(url).await;
    client.query_one(query, &[]).await.unwrap().get(0)
}

async fn print_settings(postgres: &str, peers: &[Peer]) {
    let of_postgres = "SELECT concat('PostgreSQL ', current_setting('server_version'), \
        ', fsync=', current_setting('fsync'), ', synchronous_commit=', \
        current_setting('synchronous_commit'), ', full_page_writes=', \
        current_setting('full_page_writes'))";
    let of_keycloak = "SELECT credential_data::text FROM credential LIMIT 1";
    println!("\n- {}", query(&format!("{postgres}/postgres"), of_postgres).await);
    println!("- load: {WORKERS} kept connections, plain HTTP, on the same machine; the median of");
    println!("  {ROUNDS} rounds of {EACH:?} once it is warm; of {STARTS} starts");
    for peer in peers {
        println!("- {}", algorithms(peer).await);
    }
    println!("- Portcullis: bcrypt at cost 12 and 16 connections, as where none is said");
    println!("- Keycloak {} on {}:", setting("KEYCLOAK_VERSION"), setting("JAVA_HOME"));
    println!("  built and `start --optimized`, cache=local, heap as kc.sh sets it (512 MiB),");
    println!("  sessions persistent, revokeRefreshToken, refreshTokenMaxReuse=0;");
    let hash = query(&format!("{postgres}/peer_keycloak"), of_keycloak).await;
    println!("  direct grant, passwords hashed as where none is said: {hash}");
    println!("- Hydra {}: strategies.access_token=jwt, 20 connections,", setting("HYDRA_VERSION"));
    println!("  client secrets by PBKDF2 of 25,000 rounds, its default; it has no passwords,");
    println!("  and introspects at its admin port, where it asks nobody who they are");
    let node = setting("NODE_OIDC_PROVIDER_VERSION");
    println!("- node-oidc-provider {node}: its adapter for development, which keeps nothing");
}

#[tokio::main]
async fn main() {
    let postgres = setting("PORTCULLIS_TEST_POSTGRES");
    let mut peers = [
        portcullis("Portcullis", Some(format!("{postgres}/peer_portcullis"))),
        keycloak(),
        hydra::prepared().await,
        portcullis("Portcullis on SQLite", None),
        node_oidc_provider(),
    ];
    let started = starts(&mut peers).await;
    peers[0].begin_rotations().await;
    peers[1].begin_rotations().await;
    hydra::begin_rotations(&mut peers[2]).await;
    peers[3].begin_rotations().await;
    begin_rotations_of_node(&mut peers[4]).await;
    let mut rows = Vec::new();
    for (figure, what) in FIGURES {
        rows.push((what, rates(&mut peers, (figure, what)).await));
    }
    let resident = |peer: &Peer| {
        let resident = peer.resident();
        Some((resident, format!("{resident:.0} MiB")))
    };
    println!(
        "| | Portcullis | Keycloak | Hydra | Portcullis on SQLite | node-oidc-provider \
         | ours / Keycloak | ours / Hydra | on SQLite / node-oidc-provider |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for (what, cells) in &rows {
        print_row(what, cells);
    }
    print_row("start to first token (less is better)", &started);
    let resident: Vec<Cell> = peers.iter().map(resident).collect();
    print_row("resident after the load (less is better)", &resident);
    print_settings(&postgres, &peers).await;
}
