//! An authorization server that is measured beside others: its process, and what is asked of it.

use std::{
    fs::File,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpStream;

use crate::support::{Connection, SECRET, basic, get, post};

/// Connections that are kept, each of which sends its next request once it has its answer.
pub(crate) const WORKERS: usize = 16;

/// What is asked over and over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Figure {
    Machine,
    Rotation,
    Introspection,
    Jwks,
    SignIn,
}

/// Answers a second, and the 99th percentile of what one took in milliseconds.
#[derive(Clone, Copy)]
pub(crate) struct Rate {
    pub(crate) each_second: f64,
    pub(crate) p99: f64,
    /// Answers that asked to come again later; they are no part of the rest.
    pub(crate) refused: usize,
}

pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) port: u16,
    /// Where its tokens are looked at; Hydra does it at the port of its administrators alone.
    pub(crate) introspection: Option<(u16, &'static str)>,
    pub(crate) token: &'static str,
    pub(crate) jwks: &'static str,
    /// The request of a sign-in by password, where it has passwords.
    pub(crate) sign_in: Option<String>,
    /// The next request of each worker that rotates, in a grant of its own.
    pub(crate) rotations: Vec<String>,
    pub(crate) command: Box<dyn Fn() -> Command>,
    pub(crate) child: Option<Child>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Peer {
    pub(crate) fn spawn(&mut self) {
        let path = PathBuf::from(setting("PEERS_WORK")).join(format!("{}.log", self.name));
        let log = File::options().create(true).append(true).open(path).unwrap();
        let mut command = (self.command)();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.child = Some(command.spawn().unwrap());
    }

    /// Starts it; how long it took to its first token, in milliseconds.
    pub(crate) async fn start(&mut self) -> f64 {
        let began = Instant::now();
        self.spawn();
        listening(self.port).await;
        let mut connection = Connection::open(self.port).await;
        while connection.send(&self.machine()).await.0 != 200 {
            assert!(began.elapsed() < Duration::from_secs(120), "{} has no token", self.name);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        began.elapsed().as_secs_f64() * 1000.0
    }

    /// As an operator does, so that it may finish what it has begun.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = kill_process(Pid::from_child(&child), Signal::TERM);
            let _ = child.wait();
        }
    }

    /// Resident memory in MiB, without the database.
    pub(crate) fn resident(&self) -> f64 {
        resident(self.child.as_ref().unwrap().id()) as f64 / 1024.0
    }

    fn machine(&self) -> String {
        post(self.token, &basic("web", SECRET), "grant_type=client_credentials")
    }

    /// A new access token of a client, and one of a user where there are passwords.
    pub(crate) async fn tokens(&self) -> Vec<String> {
        let requests = [Some(self.machine()), self.sign_in.clone()];
        let mut tokens = Vec::new();
        for request in requests.into_iter().flatten() {
            tokens.push(self.ask(self.port, &request).await["access_token"].to_string());
        }
        tokens.iter().map(|token| token.trim_matches('"').to_owned()).collect()
    }

    pub(crate) async fn ask(&self, port: u16, request: &str) -> serde_json::Value {
        let (status, body) = Connection::open(port).await.send(request).await;
        assert!(matches!(status, 200..=299), "{}: {status} {body}", self.name);
        serde_json::from_str(&body).unwrap()
    }

    /// Begins the grants in which the workers rotate, by signing in for each.
    pub(crate) async fn begin_rotations(&mut self) {
        let sign_in = self.sign_in.clone().unwrap();
        for _ in 0..WORKERS {
            let answer = self.ask(self.port, &sign_in).await;
            self.rotations.push(successor(self.token, &answer.to_string()));
        }
    }

    /// A request that can be sent over and over, which is seen to work before.
    async fn request(&self, figure: Figure) -> Option<String> {
        match figure {
            Figure::Machine => Some(self.machine()),
            Figure::SignIn => self.sign_in.clone(),
            Figure::Jwks => {
                let request = get(self.jwks, "");
                assert_ne!(self.ask(self.port, &request).await["keys"][0], serde_json::Value::Null);
                Some(request)
            }
            Figure::Introspection => {
                let (port, path) = self.introspection?;
                let token = format!("token={}", self.tokens().await[0]);
                let request = post(path, &basic("web", SECRET), &token);
                assert_eq!(self.ask(port, &request).await["active"], true, "{}", self.name);
                Some(request)
            }
            Figure::Rotation => None,
        }
    }

    /// One figure, over so long; none where the server has no such thing.
    pub(crate) async fn measure(&mut self, figure: Figure, each: Duration) -> Option<Rate> {
        if figure == Figure::Rotation {
            let requests = std::mem::take(&mut self.rotations);
            let (rate, next) = drive(self.port, requests, Some(self.token), each).await;
            self.rotations = next;
            return Some(rate);
        }
        let port = match (figure, self.introspection) {
            (Figure::Introspection, Some((port, _))) => port,
            _ => self.port,
        };
        let requests = vec![self.request(figure).await?; WORKERS];
        Some(drive(port, requests, None, each).await.0)
    }
}

/// What `benches/peers` tells.
pub(crate) fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run `make bench-peers`"))
}

/// Waits until somebody listens.
pub(crate) async fn listening(port: u16) {
    let began = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(120), "nobody listens at {port}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Of a process and its children in KiB: Keycloak is started by a shell, which waits for it.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let own: u64 = line.split_whitespace().next().unwrap().parse().unwrap();
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    own + children.split_whitespace().map(|pid| resident(pid.parse().unwrap())).sum::<u64>()
}

/// The request that rotates the refresh token of an answer.
pub(crate) fn successor(path: &str, answer: &str) -> String {
    let json: serde_json::Value = serde_json::from_str(answer).unwrap();
    let token = json["refresh_token"].as_str().unwrap();
    post(path, "", &format!("grant_type=refresh_token&client_id=app&refresh_token={token}"))
}

/// Sends requests over connections of their own, again and again, or, where tokens are rotated at
/// `path`, each time what follows from the answer; and what each would send next.
async fn drive(
    port: u16,
    requests: Vec<String>,
    path: Option<&'static str>,
    each: Duration,
) -> (Rate, Vec<String>) {
    let began = Instant::now();
    let work = requests.into_iter().map(|mut request| {
        tokio::spawn(async move {
            let mut connection = Connection::open(port).await;
            let (mut times, mut refused) = (Vec::new(), 0);
            while began.elapsed() < each {
                let sent = Instant::now();
                let (status, body) = connection.send(&request).await;
                if status == 503 {
                    refused += 1;
                    continue;
                }
                times.push(sent.elapsed());
                assert_eq!(status, 200, "{body}");
                if let Some(path) = path {
                    request = successor(path, &body);
                }
            }
            (times, refused, request)
        })
    });
    let work: Vec<_> = work.collect();
    let (mut times, mut refused, mut next) = (Vec::new(), 0, Vec::new());
    for worker in work {
        let (of_one, refused_one, request) = worker.await.unwrap();
        times.extend(of_one);
        refused += refused_one;
        next.push(request);
    }
    let each_second = times.len() as f64 / began.elapsed().as_secs_f64();
    times.sort();
    let p99 = times.get(times.len() * 99 / 100).map_or(0.0, |time| time.as_secs_f64() * 1000.0);
    (Rate { each_second, p99, refused }, next)
}
