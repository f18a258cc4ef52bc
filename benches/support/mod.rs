//! The release binary as an operator runs it, and a client that keeps its connection.

#[allow(dead_code, reason = "not every bench asks")]
pub(crate) mod admin;
#[allow(dead_code, reason = "not every bench asks")]
pub(crate) mod databases;
#[allow(dead_code, reason = "not every bench asks")]
pub(crate) mod floor;
#[allow(dead_code, reason = "not every bench asks")]
pub(crate) mod pgbench;
#[allow(dead_code, reason = "not every bench asks")]
pub(crate) mod times;

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// The secret of the client `web`.
#[allow(dead_code, reason = "not every bench asks")]
pub(crate) const SECRET: &str = "a-secret-for-the-load-of-the-web-client";

/// A tenant in a file that `apply` reads: clients `web` and `app`, users `ada` and `bob`.
#[allow(dead_code, reason = "not every bench asks")]
pub(crate) fn tenant(slug: &str) -> String {
    format!(
        r#"
  - slug: {slug}
    settings: {{ password_bcrypt_cost: 10 }}
    scopes: [{{ name: reports.read }}]
    clients:
      - client_id: web
        client_secret: {SECRET}
        grant_types: [client_credentials]
        scope: reports.read
      - client_id: app
        token_endpoint_auth_method: none
        redirect_uris: ["https://app.example/cb"]
        grant_types: [authorization_code, refresh_token, password]
        scope: reports.read
    users:
      - {{ username: ada, password: correct horse battery staple }}
      - {{ username: bob, password: correct horse battery staple }}
"#
    )
}

/// An installation in a folder of its own: its commands, and its server once it is started.
pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) database: String,
    management: u16,
    /// Where the first of several nodes listens: all of them speak in its name.
    origin: Option<u16>,
    redis: Option<String>,
    folder: Arc<tempfile::TempDir>,
    child: Option<Child>,
    trusted: &'static str,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Server {
    /// One on `database`, or on SQLite in its own folder, with `file` applied and not yet started.
    pub(crate) fn new(database: Option<String>, file: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database =
            database.unwrap_or_else(|| format!("sqlite:{}/p.db", folder.path().display()));
        let server = Self {
            port: free_port(),
            management: free_port(),
            database,
            origin: None,
            redis: None,
            folder: Arc::new(folder),
            child: None,
            trusted: "",
        };
        let path = server.folder().join("file.yaml");
        std::fs::write(&path, file).unwrap();
        server.run(&["apply", "-f", path.to_str().unwrap()]);
        server
    }

    /// Tells other nodes of endings over this Redis, and hears of theirs.
    #[allow(dead_code, reason = "not every bench asks")]
    pub(crate) fn share_over(&mut self, redis: String) {
        self.redis = Some(redis);
    }

    /// Another node of the same installation, not yet started: the same folder, and so the same
    /// master key.
    #[allow(dead_code, reason = "not every bench asks")]
    pub(crate) fn beside(&self) -> Self {
        Self {
            port: free_port(),
            management: free_port(),
            database: self.database.clone(),
            origin: self.origin.or(Some(self.port)),
            redis: self.redis.clone(),
            folder: Arc::clone(&self.folder),
            child: None,
            trusted: self.trusted,
        }
    }

    /// Believes what those on this machine say of where they come from.
    #[allow(dead_code, reason = "not every bench asks")]
    pub(crate) fn trust_loopback(&mut self) {
        self.trusted = "127.0.0.1";
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.under(&[], arguments)
    }

    /// The command under another program, which is named with its own arguments; by itself where none is.
    fn under(&self, program: &[&str], arguments: &[&str]) -> Command {
        let binary = env!("CARGO_BIN_EXE_portcullis");
        let words: Vec<&str> = program.iter().copied().chain([binary]).collect();
        let origin = self.origin.unwrap_or(self.port);
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .args(arguments)
            .current_dir(self.folder())
            .env("PORTCULLIS_DATABASE_URL", &self.database)
            .env("PORTCULLIS_BASE_URL", format!("http://127.0.0.1:{origin}"))
            .env("PORTCULLIS_MANAGEMENT_ADDRESS", format!("127.0.0.1:{}", self.management))
            .env("PORTCULLIS_LOG", "warn")
            .env("PORTCULLIS_TRUSTED_PROXIES", self.trusted)
            .env("PORTCULLIS_REDIS_URL", self.redis.as_deref().unwrap_or_default())
            .env("ROCKET_PORT", self.port.to_string());
        command
    }

    /// What a command prints; it must succeed.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let done = self.command(arguments).stderr(Stdio::inherit()).output().unwrap();
        assert!(done.status.success(), "{arguments:?}");
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    /// Starts it, and waits until it is ready.
    #[allow(dead_code, reason = "not every bench asks")]
    pub(crate) async fn start(&mut self) {
        let command = self.command(&["serve"]);
        self.start_as(command).await;
    }

    /// Starts it under another program, on one thread for its requests; answers the process.
    #[allow(dead_code, reason = "not every bench asks")]
    pub(crate) async fn start_under(&mut self, program: &[&str]) -> u32 {
        let mut command = self.under(program, &["serve"]);
        command.env("TOKIO_WORKER_THREADS", "1").stderr(Stdio::null());
        self.start_as(command).await;
        self.process()
    }

    async fn start_as(&mut self, mut command: Command) {
        self.child = Some(command.stdout(Stdio::null()).spawn().unwrap());
        for _ in 0..1200 {
            if TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                let (status, _) = Connection::open(self.port).await.send(&get("/readyz", "")).await;
                if status == 200 {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the server was not ready within a minute");
    }

    /// Starts it, and sends `request` until it is answered; how long that took, in milliseconds.
    #[allow(dead_code, reason = "not every bench asks")]
    pub(crate) async fn start_to(&mut self, request: &str) -> f64 {
        for _ in 0..5 {
            // While it was stopped somebody else may have taken its ports, and may do so again.
            (self.port, self.management) = (free_port(), free_port());
            let began = Instant::now();
            let mut child = self.command(&["serve"]).stdout(Stdio::null()).spawn().unwrap();
            while child.try_wait().unwrap().is_none() && began.elapsed().as_secs() < 60 {
                if TcpStream::connect(("127.0.0.1", self.port)).await.is_ok()
                    && Connection::open(self.port).await.send(request).await.0 == 200
                {
                    self.child = Some(child);
                    return began.elapsed().as_secs_f64() * 1000.0;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        panic!("the server did not start");
    }

    /// Stops it as an operator does, and waits until it is gone.
    #[allow(dead_code, reason = "not every bench asks")]
    pub(crate) fn stop(&mut self) {
        let mut child = self.child.take().unwrap();
        let process = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
        child.wait().unwrap();
    }

    /// The process of the started server.
    #[allow(dead_code, reason = "not every bench asks")]
    pub(crate) fn process(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Resident memory of the started server in MiB.
    #[allow(dead_code, reason = "not every bench asks")]
    pub(crate) fn resident(&self) -> u64 {
        let pid = self.process();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
    }
}

/// A connection that is kept.
pub(crate) struct Connection(TcpStream);

impl Connection {
    pub(crate) async fn open(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    /// Sends a request; the status and the body of its answer.
    pub(crate) async fn send(&mut self, request: &str) -> (u16, String) {
        let (status, _, body) = self.exchange(request).await;
        (status, body)
    }

    /// Sends a request; the status, the head and the body of its answer.
    pub(crate) async fn exchange(&mut self, request: &str) -> (u16, String, String) {
        self.0.write_all(request.as_bytes()).await.unwrap();
        let (mut answer, mut part) = (Vec::new(), [0; 8192]);
        loop {
            let count = self.0.read(&mut part).await.unwrap();
            assert!(count > 0, "the server closed the connection");
            answer.extend_from_slice(&part[..count]);
            let text = String::from_utf8_lossy(&answer);
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            if let Some(body) = whole(&head.to_lowercase(), body) {
                let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                return (status, head.to_owned(), body);
            }
        }
    }
}

/// A body under this head in small letters, once all of it is there.
fn whole(head: &str, body: &str) -> Option<String> {
    if head.contains("\r\ntransfer-encoding: chunked") {
        return unchunked(body);
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    (body.len() >= length).then(|| body.to_owned())
}

/// What the chunks hold (RFC 9112 §7.1), once the last is there.
fn unchunked(mut rest: &str) -> Option<String> {
    let mut body = String::new();
    loop {
        let (size, after) = rest.split_once("\r\n")?;
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return after.starts_with("\r\n").then_some(body);
        }
        body.push_str(after.get(..size)?);
        rest = after.get(size + 2..)?;
    }
}

/// The header by which a client proves itself with its secret.
#[allow(dead_code, reason = "not every bench asks")]
pub(crate) fn basic(client_id: &str, secret: &str) -> String {
    use base64::Engine as _;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{client_id}:{secret}"));
    format!("Authorization: Basic {pair}\r\n")
}

pub(crate) fn get(path: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\n{more}\r\n")
}

pub(crate) fn post(path: &str, more: &str, body: &str) -> String {
    with_body("POST", path, "application/x-www-form-urlencoded", more, body)
}

pub(crate) fn with_body(
    method: &str,
    path: &str,
    media_type: &str,
    more: &str,
    body: &str,
) -> String {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {media_type}\r\n{more}Content-Length: {length}\r\n\r\n{body}"
    )
}

/// The request that signs `user` in through the client `app` of `tenant`.
#[allow(dead_code, reason = "not every bench asks")]
pub(crate) fn login(tenant: &str, user: &str) -> String {
    let body = format!(
        r#"{{"username":"{user}","password":"correct horse battery staple","client_id":"app"}}"#
    );
    with_body("POST", &format!("/t/{tenant}/auth/login"), "application/json", "", &body)
}

/// The request that rotates a refresh token of the client `app` of `tenant`.
#[allow(dead_code, reason = "not every bench asks")]
pub(crate) fn rotation(tenant: &str, token: &str) -> String {
    let form = format!("grant_type=refresh_token&client_id=app&refresh_token={token}");
    post(&format!("/t/{tenant}/oauth2/token"), "", &form)
}
