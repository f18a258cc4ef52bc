//! What the machine can do without Portcullis: the least that each kind of answer rests on, served by Rocket
//! alone in a process of its own, as Portcullis is.
//!
//! A floor checks nothing, knows no tenant, keeps no trail and verifies no token: it is what remains if all of
//! that cost nothing.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::Engine as _;
use diesel::{
    Connection as _, QueryResult, RunQueryDsl, SqliteConnection,
    connection::SimpleConnection as _,
    query_builder::{AstPass, QueryFragment, QueryId},
    sql_types::BigInt,
    sqlite::Sqlite,
};
use rocket::{Config, State, config::LogLevel, get, routes};
use tokio::sync::{mpsc, oneshot};

/// The argument that makes this program a floor.
const WORD: &str = "--floor";

/// As large as what stands around the signature in the answer to a client's credentials.
const TOKEN: usize = 650;

/// Families that may be rotated: one of each connection.
const FAMILIES: i64 = 64;

/// A floor, while it runs.
pub(crate) struct Floor {
    child: Child,
    pub(crate) port: u16,
    folder: tempfile::TempDir,
}

impl Drop for Floor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Floor {
    /// Starts one. It answers `/constant/<bytes>` with so many bytes, `/signature` with a signature by ES256
    /// (RFC 7518 §3.4), and `/rotation/<n>` with one too, once row `n` has been moved on in SQLite and lies on
    /// the disk; the rows of requests that wait for the disk go together.
    pub(crate) async fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args([WORD, &port.to_string(), folder.path().to_str().unwrap()])
            // Held open as long as this program lives, however it ends.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let floor = Self { child, port, folder };
        for _ in 0..200 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return floor;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no floor at {}", floor.folder.path().display());
    }

    /// Is one, where this program was started as one.
    pub(crate) async fn be_one() {
        let arguments: Vec<String> = std::env::args().collect();
        if let [_, word, port, folder] = arguments.as_slice()
            && word == WORD
        {
            serve(port.parse().unwrap(), folder).await;
        }
    }
}

struct Work {
    key: EcdsaKeyPair,
    rotations: mpsc::Sender<(i64, oneshot::Sender<()>)>,
}

async fn serve(port: u16, folder: &str) {
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let key = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
    let key = EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref()).unwrap();
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(0);
    });
    let (rotations, waiting) = mpsc::channel(1024);
    let path = format!("{folder}/floor.db");
    std::thread::spawn(move || rotate(&path, waiting));
    let config = Config { port, log_level: LogLevel::Off, ..Config::release_default() };
    let routes = routes![constant, signature, rotation];
    let rocket = rocket::custom(config).manage(Work { key, rotations }).mount("/", routes);
    rocket.launch().await.unwrap();
}

#[get("/constant/<bytes>")]
fn constant(bytes: usize) -> String {
    " ".repeat(bytes)
}

#[get("/signature")]
fn signature(work: &State<Work>) -> String {
    let text = " ".repeat(TOKEN);
    let signature = work.key.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
    text + &base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(signature)
}

#[get("/rotation/<row>")]
async fn rotation(row: i64, work: &State<Work>) -> String {
    let (moved, done) = oneshot::channel();
    work.rotations.send((row, moved)).await.unwrap();
    done.await.unwrap();
    signature(work)
}

/// The compare-and-set of one row. Written out, since Diesel keeps neither its own `UPDATE` nor a text of ours
/// prepared, and a floor must not parse it each time.
#[derive(QueryId)]
struct Move {
    row: i64,
    from: i64,
}

impl QueryFragment<Sqlite> for Move {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        pass.push_sql("UPDATE family SET generation = generation + 1 WHERE id = ");
        pass.push_bind_param::<BigInt, _>(&self.row)?;
        pass.push_sql(" AND generation = ");
        pass.push_bind_param::<BigInt, _>(&self.from)
    }
}

impl RunQueryDsl<SqliteConnection> for Move {}

/// Moves rows on: all that wait, in one transaction that lies on the disk before one of them is answered.
fn rotate(path: &str, mut waiting: mpsc::Receiver<(i64, oneshot::Sender<()>)>) {
    let mut conn = SqliteConnection::establish(path).unwrap();
    conn.batch_execute(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE family (id INTEGER PRIMARY KEY, generation INTEGER NOT NULL)",
    )
    .unwrap();
    for row in 0..FAMILIES {
        let insert = diesel::sql_query("INSERT INTO family VALUES (?, 0)");
        insert.bind::<BigInt, _>(row).execute(&mut conn).unwrap();
    }
    let mut generations = vec![0i64; usize::try_from(FAMILIES).unwrap()];
    let mut batch = Vec::new();
    while waiting.blocking_recv_many(&mut batch, 128) > 0 {
        conn.immediate_transaction(|conn| {
            for (row, _) in &batch {
                let generation = &mut generations[usize::try_from(*row).unwrap()];
                assert_eq!(Move { row: *row, from: *generation }.execute(conn)?, 1);
                *generation += 1;
            }
            QueryResult::Ok(())
        })
        .unwrap();
        for (_, moved) in batch.drain(..) {
            let _ = moved.send(());
        }
    }
}
