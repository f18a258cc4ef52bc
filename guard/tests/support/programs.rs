//! The programs of a `programs.json`, in each language and framework.

use std::{
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use serde::Deserialize;

/// How long a program may take until it listens.
const STARTED_WITHIN: Duration = Duration::from_secs(120);

/// How to run one of them, from the repository's root.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Program {
    pub(crate) name: String,
    run: Vec<String>,
}

/// The repository's root: this file is taken in by two packages.
fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let here = package.join("guard/programs.json").exists();
    if here { package.to_owned() } else { package.parent().unwrap().to_owned() }
}

/// A file of the repository.
pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// Those that a file lists.
pub(crate) fn listed(path: &str) -> Vec<Program> {
    serde_json::from_str(&read(path)).unwrap()
}

/// Where ports begin that are given out, and how many there are: below those that the kernel takes for whoever
/// connects, or one that is free now would be somebody's until a program listens at it.
const FIRST_PORT: u16 = 10_000;
const PORTS: u32 = 20_000;

/// A port that nobody listens at, and that was not given before.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Test binaries that run at once begin at places of their own.
    let begin = std::process::id().wrapping_mul(7_919);
    loop {
        let at = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % PORTS;
        let port = FIRST_PORT + u16::try_from(at).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// One that runs.
pub(crate) struct Running {
    pub(crate) base: String,
    pub(crate) port: u16,
    name: String,
    child: Child,
    log: tempfile::NamedTempFile,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("{} wrote: {}", self.name, self.log());
        }
    }
}

impl Program {
    /// Starts it with these settings, and waits until it listens.
    pub(crate) fn start(&self, port: u16, settings: &[(&str, &str)]) -> Running {
        let root = root();
        let log = tempfile::NamedTempFile::new().unwrap();
        let (program, arguments) = self.run.split_first().unwrap();
        // One that is found by its name is the machine's, the others are built here.
        let at = if program.contains('/') { root.join(program) } else { program.into() };
        let child = Command::new(at)
            .args(arguments)
            .current_dir(&root)
            .envs(settings.iter().copied())
            .env("LISTEN", format!("127.0.0.1:{port}"))
            .env("ROCKET_LOG_LEVEL", "off")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.reopen().unwrap())
            .spawn();
        let child = child.unwrap_or_else(|why| panic!("{}: {why}: run `make test`", self.name));
        let base = format!("http://127.0.0.1:{port}");
        let mut running = Running { base, port, name: self.name.clone(), child, log };
        running.wait();
        running
    }
}

impl Running {
    fn wait(&mut self) {
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "{} ended: {ended:?}", self.name);
            assert!(began.elapsed() < STARTED_WITHIN, "{} does not listen", self.name);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What it has written to its standard error.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap_or_default()
    }
}
