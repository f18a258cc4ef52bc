//! The release binary as an operator runs it, and a client that keeps its connection.

#[allow(dead_code, reason = "not every bench asks")]
pub(crate) mod floor;
#[allow(dead_code, reason = "not every bench asks")]
pub(crate) mod pgbench;

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// The secret of the client `web`.
#[allow(dead_code, reason = "not every bench asks")]
pub(crate) const SECRET: &str = "a-secret-for-the-load-of-the-web-client";

/// A tenant in a file that `apply` reads: clients `web` and `app`, users `ada` and `bob`.
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
    folder: tempfile::TempDir,
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

fn free_port() -> u16 {
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
            folder,
            child: None,
            trusted: "",
        };
        let path = server.folder().join("file.yaml");
        std::fs::write(&path, file).unwrap();
        server.run(&["apply", "-f", path.to_str().unwrap()]);
        server
    }

    /// Believes what those on this machine say of where they come from.
    #[allow(dead_code, reason = "not every bench asks")]
    pub(crate) fn trust_loopback(&mut self) {
        self.trusted = "127.0.0.1";
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        self.under(&[], arguments)
    }

    /// The command under another program, which is named with its own arguments; by itself where none is.
    fn under(&self, program: &[&str], arguments: &[&str]) -> Command {
        let binary = env!("CARGO_BIN_EXE_portcullis");
        let words: Vec<&str> = program.iter().copied().chain([binary]).collect();
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .args(arguments)
            .current_dir(self.folder())
            .env("PORTCULLIS_DATABASE_URL", &self.database)
            .env("PORTCULLIS_BASE_URL", format!("http://127.0.0.1:{}", self.port))
            .env("PORTCULLIS_MANAGEMENT_ADDRESS", format!("127.0.0.1:{}", self.management))
            .env("PORTCULLIS_LOG", "warn")
            .env("PORTCULLIS_TRUSTED_PROXIES", self.trusted)
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
        self.child.as_ref().unwrap().id()
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

    /// Resident memory of the started server in MiB.
    #[allow(dead_code, reason = "not every bench asks")]
    pub(crate) fn resident(&self) -> u64 {
        let pid = self.child.as_ref().unwrap().id();
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
        self.0.write_all(request.as_bytes()).await.unwrap();
        let (mut answer, mut part) = (Vec::new(), [0; 8192]);
        loop {
            let count = self.0.read(&mut part).await.unwrap();
            assert!(count > 0, "the server closed the connection");
            answer.extend_from_slice(&part[..count]);
            let text = String::from_utf8_lossy(&answer).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| {
                line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned)
            });
            if body.len() >= length.and_then(|length| length.parse().ok()).unwrap_or(0) {
                return (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned());
            }
        }
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
pub(crate) fn login(tenant: &str, user: &str) -> String {
    let body = format!(
        r#"{{"username":"{user}","password":"correct horse battery staple","client_id":"app"}}"#
    );
    with_body("POST", &format!("/t/{tenant}/auth/login"), "application/json", "", &body)
}

/// The request that rotates a refresh token of the client `app` of `tenant`.
pub(crate) fn rotation(tenant: &str, token: &str) -> String {
    let form = format!("grant_type=refresh_token&client_id=app&refresh_token={token}");
    post(&format!("/t/{tenant}/oauth2/token"), "", &form)
}
