//! The real binary, on real ports.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rocket::tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

pub(crate) use crate::programs::free_port;

/// `portcullis serve` as a process of its own.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    pub(crate) folder: PathBuf,
    environment: Vec<(String, String)>,
}

impl Server {
    pub(crate) fn binary() -> &'static str {
        env!("CARGO_BIN_EXE_portcullis")
    }

    fn environment(folder: &Path, database: &str, port: u16) -> Vec<(String, String)> {
        vec![
            ("PORTCULLIS_BASE_URL".to_owned(), format!("http://127.0.0.1:{port}")),
            ("PORTCULLIS_DATABASE_URL".to_owned(), database.to_owned()),
            (
                "PORTCULLIS_MASTER_KEY_FILE".to_owned(),
                folder.join("master.key").display().to_string(),
            ),
            ("PORTCULLIS_MANAGEMENT_ADDRESS".to_owned(), format!("127.0.0.1:{}", free_port())),
            ("ROCKET_PORT".to_owned(), port.to_string()),
        ]
    }

    /// Starts it in `folder`, and waits until it is ready.
    pub(crate) async fn start(folder: &Path, database: &str, more: &[(&str, &str)]) -> Self {
        let port = free_port();
        let mut environment = Self::environment(folder, database, port);
        environment
            .extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let mut server = Self {
            child: Self::spawn(folder, &environment),
            port,
            folder: folder.to_owned(),
            environment,
        };
        server.wait_until_ready().await;
        server
    }

    /// The same without being told its own address.
    pub(crate) async fn start_without_base_url(folder: &Path, database: &str) -> Self {
        let port = free_port();
        let mut environment = Self::environment(folder, database, port);
        environment.retain(|(name, _)| name != "PORTCULLIS_BASE_URL");
        let mut server = Self {
            child: Self::spawn(folder, &environment),
            port,
            folder: folder.to_owned(),
            environment,
        };
        server.wait_until_ready().await;
        server
    }

    /// One that does not run: for commands, and starts that fail.
    pub(crate) fn unstarted(folder: &Path, database: &str) -> Self {
        let port = free_port();
        let child = Command::new("true").spawn().unwrap();
        Self {
            child,
            port,
            folder: folder.to_owned(),
            environment: Self::environment(folder, database, port),
        }
    }

    /// With another setting.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs a command that may not end by itself.
    pub(crate) fn command_for_a_while(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = Command::new("timeout")
            .args(["30", Self::binary()])
            .args(arguments)
            .current_dir(&self.folder)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
    }

    /// Starts it again where no file it writes may grow beyond `kilobytes`.
    pub(crate) async fn restart_with_full_disk(&mut self, kilobytes: u32) {
        self.restart_under(&format!("trap '' XFSZ; ulimit -f {kilobytes}")).await;
    }

    /// Starts it again after what a shell does first.
    pub(crate) async fn restart_under(&mut self, limits: &str) {
        let script = format!("{limits}; exec '{}' serve", Self::binary());
        let child = Command::new("bash")
            .args(["-c", &script])
            .current_dir(&self.folder)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.child = child.unwrap();
        self.wait_until_ready().await;
    }

    fn spawn(folder: &Path, environment: &[(String, String)]) -> Child {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join("server.log"))
            .unwrap();
        Command::new(Self::binary())
            .args(["serve"])
            .current_dir(folder)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    async fn wait_until_ready(&mut self) {
        for _ in 0..600 {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the server ended with {status}: {}", self.log());
            }
            if plain_http(self.port, "GET", "/readyz", &[], "")
                .await
                .is_some_and(|(status, _)| status == 200)
            {
                return;
            }
            rocket::tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the server does not get ready: {}", self.log());
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("server.log")).unwrap_or_default()
    }

    pub(crate) fn database(&self) -> &str {
        let named = self.environment.iter().find(|(name, _)| name == "PORTCULLIS_DATABASE_URL");
        named.map_or("", |(_, value)| value)
    }

    /// Resident memory, in MiB.
    pub(crate) fn resident_mib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
    }

    pub(crate) fn management_port(&self) -> u16 {
        let named =
            self.environment.iter().find(|(name, _)| name == "PORTCULLIS_MANAGEMENT_ADDRESS");
        named.and_then(|(_, address)| address.rsplit(':').next()?.parse().ok()).unwrap_or_default()
    }

    pub(crate) fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A command of the binary with the server's own environment, whose words are heard.
    pub(crate) fn bare_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(Self::binary());
        command
            .args(arguments)
            .current_dir(&self.folder)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a command of the binary with the server's own environment.
    pub(crate) fn command(&self, arguments: &[&str], input: &str) -> (i32, String, String) {
        use std::io::Write as _;
        let mut child = self.bare_command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
    }

    /// The same, where commands and the next start speak to another database.
    pub(crate) fn over(mut self, database: &str) -> Self {
        for (name, value) in &mut self.environment {
            if name == "PORTCULLIS_DATABASE_URL" {
                database.clone_into(value);
            }
        }
        self
    }

    /// SIGKILL: no chance to finish anything.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and the exit status.
    pub(crate) fn terminate(&mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }

    /// Starts it again after it was killed.
    pub(crate) async fn restart(&mut self) {
        self.child = Self::spawn(&self.folder, &self.environment);
        self.wait_until_ready().await;
    }

    /// The same where it serves by TLS, which its readiness is not asked by.
    pub(crate) async fn restart_by_tls(&mut self) {
        self.child = Self::spawn(&self.folder, &self.environment);
        let management = self.management_port();
        for _ in 0..600 {
            let ready = plain_http(management, "GET", "/readyz", &[], "").await;
            if ready.is_some_and(|(status, _)| status == 200) {
                return;
            }
            rocket::tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the server does not get ready: {}", self.log());
    }

    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (u16, String) {
        plain_http(self.port, method, path, headers, body).await.expect("an answer")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One request over a connection of its own; `None` where the server is not there or goes away.
pub(crate) async fn plain_http(
    port: u16,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let mut head =
        format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(head.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}
