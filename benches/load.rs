//! A bounded load on the real server, from loopback.
//!
//! Machines are shared and noisy, so each figure stands beside the rate of `/healthz` that was
//! measured in the same run: the ratio is what can be compared.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const WORKERS: usize = 16;
const EACH: Duration = Duration::from_secs(4);
const SECRET: &str = "a-secret-for-the-load-of-the-web-client";

const FILE: &str = r#"
tenants:
  - slug: acme
    settings: { password_bcrypt_cost: 10 }
    scopes: [{ name: reports.read }]
    clients:
      - client_id: web
        client_secret: a-secret-for-the-load-of-the-web-client
        grant_types: [client_credentials]
        scope: reports.read
      - client_id: app
        token_endpoint_auth_method: none
        redirect_uris: ["https://app.example/cb"]
        grant_types: [authorization_code, refresh_token, password]
        scope: reports.read
    users: [{ username: ada, password: correct horse battery staple }]
"#;

struct Server {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn serve(database: Option<String>) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let (port, management) = (free_port(), free_port());
    let database = database.unwrap_or_else(|| format!("sqlite:{}/p.db", folder.path().display()));
    let command = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command
            .args(arguments)
            .current_dir(folder.path())
            .env("PORTCULLIS_DATABASE_URL", &database)
            .env("PORTCULLIS_BASE_URL", format!("http://127.0.0.1:{port}"))
            .env("PORTCULLIS_MANAGEMENT_ADDRESS", format!("127.0.0.1:{management}"))
            .env("PORTCULLIS_LOG", "warn")
            .env("ROCKET_PORT", port.to_string())
            .stdout(Stdio::null());
        command
    };
    let path = folder.path().join("file.yaml");
    std::fs::write(&path, FILE).unwrap();
    assert!(command(&["apply", "-f", path.to_str().unwrap()]).status().unwrap().success());
    let child = command(&["serve"]).spawn().unwrap();
    for _ in 0..200 {
        if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Server { child, port, _folder: folder }
}

/// A connection that is kept.
struct Connection(TcpStream);

impl Connection {
    async fn open(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    async fn send(&mut self, request: &str) -> (u16, String) {
        self.0.write_all(request.as_bytes()).await.unwrap();
        let (mut answer, mut part) = (Vec::new(), [0; 8192]);
        loop {
            let count = self.0.read(&mut part).await.unwrap();
            assert!(count > 0, "the server closed the connection");
            answer.extend_from_slice(&part[..count]);
            let text = String::from_utf8_lossy(&answer).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
            if body.len() >= length.and_then(|length| length.parse().ok()).unwrap_or(0) {
                return (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned());
            }
        }
    }
}

fn post(path: &str, more: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n{more}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn basic() -> String {
    use base64::Engine as _;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("web:{SECRET}"));
    format!("Authorization: Basic {pair}\r\n")
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

fn rotation(token: &str) -> String {
    post("/t/acme/oauth2/token", "", &format!("grant_type=refresh_token&client_id=app&refresh_token={token}"))
}

fn same(_: &str) -> Option<String> {
    None
}

fn successor(body: &str) -> Option<String> {
    let json: serde_json::Value = serde_json::from_str(body).unwrap();
    Some(rotation(json["refresh_token"].as_str().unwrap()))
}

async fn measure(name: &str, database: Option<String>) {
    let server = serve(database).await;
    let mut connection = Connection::open(server.port).await;
    let mut families = Vec::new();
    for _ in 0..WORKERS {
        let body = r#"{"username":"ada","password":"correct horse battery staple","client_id":"app"}"#;
        let login = post("/t/acme/auth/login", "", body).replace("x-www-form-urlencoded", "json");
        let (status, body) = connection.send(&login).await;
        assert_eq!(status, 200, "{body}");
        families.push(successor(&body).unwrap());
    }
    let machine = post("/t/acme/oauth2/token", &basic(), "grant_type=client_credentials");
    let (_, body) = connection.send(&machine).await;
    let token = serde_json::from_str::<serde_json::Value>(&body).unwrap()["access_token"].as_str().unwrap().to_owned();
    let introspection = post("/t/acme/oauth2/introspect", &basic(), &format!("token={token}"));
    let all = |request: &str| vec![request.to_owned(); WORKERS];
    let (nothing, _) = rate(server.port, all("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"), same).await;
    println!("{name}: /healthz {nothing:.0}/s");
    for (what, starts, next) in [
        ("client_credentials", all(&machine), same as fn(&str) -> Option<String>),
        ("introspection", all(&introspection), same),
        ("refresh rotation", families, successor),
    ] {
        let (rate, p99) = rate(server.port, starts, next).await;
        println!("{name}: {what} {rate:.0}/s, {:.2} of /healthz, p99 {p99:.1} ms", rate / nothing);
    }
}

#[tokio::main]
async fn main() {
    measure("sqlite", None).await;
    if let Ok(server) = std::env::var("PORTCULLIS_TEST_POSTGRES") {
        let (client, connection) =
            tokio_postgres::connect(&format!("{server}/postgres"), tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute("CREATE DATABASE load").await.unwrap();
        measure("postgres", Some(format!("{server}/load"))).await;
    }
}
