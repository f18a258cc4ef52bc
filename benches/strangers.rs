//! What strangers at their full rate cost those who are known.
//!
//! A few clients and a user do their usual work at a rate of their own; their times are taken while nothing
//! else goes on, and then beside each kind of flood. Strangers come from another process of lower priority,
//! as if from machines of their own: they get what the server and its clients leave over.

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
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use support::{
    Connection, SECRET, Server, basic, databases, get, login, post, rotation, tenant, with_body,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::interval,
};

const EACH: Duration = Duration::from_secs(8);
const STRANGERS: usize = 64;

/// What a stranger sends, by the number of the try, and whether over a connection of its own each time.
type Flood = (&'static str, fn(usize) -> String, bool);

fn elsewhere(at: usize) -> String {
    format!("X-Forwarded-For: 10.{}.{}.{}\r\n", at >> 16 & 255, at >> 8 & 255, at & 255)
}

fn sign_in(at: usize, name: &str) -> String {
    let body = format!(r#"{{"username":"{name}","password":"a guess {at}","client_id":"app"}}"#);
    with_body("POST", "/t/acme/auth/login", "application/json", &elsewhere(at), &body)
}

const FLOODS: &[Flood] = &[
    ("addresses that are not there", |at| get(&format!("/nothing/{at}"), &elsewhere(at)), false),
    (
        "tenants that are not there",
        |at| get(&format!("/t/tenant{at}/oauth2/jwks"), &elsewhere(at)),
        false,
    ),
    (
        "clients that are not there",
        |at| {
            let head = basic(&format!("client{at}"), "x") + &elsewhere(at);
            post("/t/acme/oauth2/token", &head, "grant_type=client_credentials")
        },
        false,
    ),
    (
        "wrong secrets of a client",
        |at| {
            let head = basic("web", &format!("guess{at}")) + &elsewhere(at);
            post("/t/acme/oauth2/token", &head, "grant_type=client_credentials")
        },
        false,
    ),
    (
        "refresh tokens that were never issued",
        |at| {
            let form = format!("grant_type=refresh_token&client_id=app&refresh_token=rt_{at:0>60}");
            post("/t/acme/oauth2/token", &elsewhere(at), &form)
        },
        false,
    ),
    (
        "codes that were never issued",
        |at| {
            let form = format!(
                "grant_type=authorization_code&client_id=app&code={at:0>43}&code_verifier={at:0>43}&redirect_uri=https://app.example/cb"
            );
            post("/t/acme/oauth2/token", &elsewhere(at), &form)
        },
        false,
    ),
    (
        "tokens that were never issued, at the API",
        |at| {
            get("/api/v1/tenants", &format!("Authorization: Bearer a.b.{at}\r\n{}", elsewhere(at)))
        },
        false,
    ),
    (
        "authorization requests",
        |at| {
            let query = format!(
                "client_id=app&response_type=code&redirect_uri=https://app.example/cb&state={at}&code_challenge={at:0>43}&code_challenge_method=S256"
            );
            get(&format!("/t/acme/oauth2/authorize?{query}"), &elsewhere(at))
        },
        false,
    ),
    ("login pages", |at| get("/t/acme/login", &elsewhere(at)), false),
    ("passwords of one user", |at| sign_in(at, "bob"), false),
    ("passwords of users that are not there", |at| sign_in(at, &format!("user{at}")), false),
    ("a connection for each request", |at| get("/healthz", &elsewhere(at)), true),
    (
        "half a request on each connection",
        |_| "POST /t/acme/oauth2/token HTTP/1.1\r\nHost: x\r\nCont".to_owned(),
        true,
    ),
];

/// Sends the flood of this number for as long as the process lives.
async fn flood(port: u16, number: usize) {
    let (_, request, alone) = FLOODS[number];
    for stranger in 0..STRANGERS {
        tokio::spawn(async move {
            let mut at = stranger;
            let mut held = Vec::new();
            let mut kept = None;
            loop {
                if alone {
                    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)).await else {
                        continue;
                    };
                    let _ = stream.write_all(request(at).as_bytes()).await;
                    if request(at).ends_with("\r\n\r\n") {
                        let _ = stream.read(&mut [0; 4096]).await;
                    } else {
                        held.push(stream);
                        if held.len() > 200 {
                            held.remove(0);
                        }
                    }
                } else {
                    let connection = match &mut kept {
                        Some(connection) => connection,
                        None => kept.insert(Connection::open(port).await),
                    };
                    connection.send(&request(at)).await;
                }
                at += STRANGERS;
                println!();
            }
        });
    }
    std::future::pending::<()>().await;
}

fn strangers(port: u16, number: usize) -> Child {
    let exe = std::env::current_exe().unwrap();
    let mut command = Command::new("nice");
    command.args(["-n", "10"]).arg(exe).env("PORTCULLIS_BENCH_FLOOD", format!("{port} {number}"));
    command.stdout(Stdio::piped()).spawn().unwrap()
}

/// What is measured: a kind of work, how often each of its workers does it, and how many do.
const KINDS: [(&str, u64, usize); 4] = [
    ("client credentials", 20, 4),
    ("introspection", 20, 4),
    ("rotation", 20, 4),
    ("sign-in", 250, 1),
];

/// The 50th and 99th percentile of each kind of work, in milliseconds.
async fn usual_work(port: u16) -> Vec<(f64, f64)> {
    let machine =
        post("/t/acme/oauth2/token", &basic("web", SECRET), "grant_type=client_credentials");
    let (status, body) = Connection::open(port).await.send(&machine).await;
    assert_eq!(status, 200, "{body}");
    let token = serde_json::from_str::<serde_json::Value>(&body).unwrap()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let introspection =
        post("/t/acme/oauth2/introspect", &basic("web", SECRET), &format!("token={token}"));
    let mut work = Vec::new();
    for (kind, (_, every, workers)) in KINDS.into_iter().enumerate() {
        for _ in 0..workers {
            let (machine, introspection) = (machine.clone(), introspection.clone());
            work.push((
                kind,
                tokio::spawn(async move {
                    let mut connection = Connection::open(port).await;
                    let mut request = match kind {
                        0 => machine,
                        1 => introspection,
                        2 => successor(&connection.send(&login("acme", "ada")).await.1),
                        _ => login("acme", "ada"),
                    };
                    let (began, mut beat, mut times) =
                        (Instant::now(), interval(Duration::from_millis(every)), Vec::new());
                    while began.elapsed() < EACH {
                        beat.tick().await;
                        let sent = Instant::now();
                        let (status, body) = connection.send(&request).await;
                        let took = sent.elapsed().as_secs_f64() * 1000.0;
                        // What is refused was never served.
                        times.push(if status == 200 { took } else { f64::INFINITY });
                        if kind == 2 && status == 200 {
                            request = successor(&body);
                        }
                    }
                    times
                }),
            ));
        }
    }
    let mut times = vec![Vec::new(); KINDS.len()];
    for (kind, worker) in work {
        times[kind].extend(worker.await.unwrap());
    }
    times
        .into_iter()
        .map(|mut times| {
            times.sort_by(f64::total_cmp);
            (times[times.len() / 2], times[times.len() * 99 / 100])
        })
        .collect()
}

fn successor(body: &str) -> String {
    let json: serde_json::Value = serde_json::from_str(body).unwrap();
    rotation("acme", json["refresh_token"].as_str().unwrap_or_else(|| panic!("{body}")))
}

/// The same in a thread that the machine prefers: the clients' own waiting is no fault of the server's.
fn preferred(port: u16) -> Vec<(f64, f64)> {
    let work = std::thread::spawn(move || {
        let thread = std::fs::read_link("/proc/thread-self").unwrap();
        let thread = thread.file_name().unwrap().to_str().unwrap().to_owned();
        let _ = Command::new("renice").args(["-n", "-10", "-p", &thread]).output();
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(usual_work(port))
    });
    work.join().unwrap()
}

async fn measure(name: &str, database: Option<String>) {
    let mut server = Server::new(database, &format!("tenants:{}", tenant("acme")));
    server.trust_loopback();
    server.start().await;
    preferred(server.port);
    let only = std::env::var("PORTCULLIS_BENCH_FLOODS").unwrap_or_default();
    for (number, (what, ..)) in
        FLOODS.iter().enumerate().filter(|(_, (what, ..))| what.contains(&only))
    {
        let quiet = preferred(server.port);
        let mut others = strangers(server.port, number);
        let mut sent = others.stdout.take().unwrap();
        let counting =
            std::thread::spawn(move || std::io::copy(&mut sent, &mut std::io::sink()).unwrap());
        tokio::time::sleep(Duration::from_millis(500)).await;
        let began = Instant::now();
        let flooded = preferred(server.port);
        let seconds = began.elapsed().as_secs_f64() + 0.5;
        others.kill().unwrap();
        others.wait().unwrap();
        let rate = counting.join().unwrap() as f64 / seconds;
        println!("{name}: {what}, {rate:.0}/s, the server {} MiB", server.resident());
        for (kind, ((median, p99), (flooded_median, flooded_p99))) in
            quiet.into_iter().zip(flooded).enumerate()
        {
            println!(
                "    {:<20} median {median:.2} to {flooded_median:.2} ms, p99 {p99:.2} to {flooded_p99:.2} ms: {:.1} times",
                KINDS[kind].0,
                flooded_p99 / p99
            );
        }
    }
}

#[tokio::main]
async fn main() {
    if let Ok(told) = std::env::var("PORTCULLIS_BENCH_FLOOD") {
        let (port, number) = told.split_once(' ').unwrap();
        flood(port.parse().unwrap(), number.parse().unwrap()).await;
        return;
    }
    for kind in databases::kinds() {
        measure(kind, databases::create(kind, "strangers").await).await;
    }
}
