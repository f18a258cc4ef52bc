//! Connections to a SQLite file: one that writes, and readers that never wait for it.

use std::{
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use deadpool::managed::{Manager, Metrics, Pool, RecycleResult};
use diesel::{
    Connection as _, ConnectionError, ConnectionResult, SqliteConnection,
    connection::SimpleConnection as _,
};

use crate::effects::{Clock as _, SystemClock, private_file, private_folder_of};
use crate::storage::{
    PoolError, engine::columns::portcullis_now_ms_utils, engine::deadline, engine::error::LOCKED,
    engine::in_place::SqliteConn, engine::pool::For,
};

/// Writes survive a power cut (`FULL`); readers never wait for the writer (`WAL`). Another
/// process may hold the write lock for a moment: it is waited for no longer than a connection.
const SETUP: &str = "PRAGMA busy_timeout = 700; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
     PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;";

pub(in crate::storage) fn open(path: &str, read_only: bool) -> ConnectionResult<SqliteConn> {
    let bad = |why: &dyn std::fmt::Display| ConnectionError::BadConnection(why.to_string());
    let mut conn = SqliteConnection::establish(path)?;
    let setup =
        if read_only { format!("{SETUP} PRAGMA query_only = ON;") } else { SETUP.to_owned() };
    conn.batch_execute(&setup).map_err(|why| bad(&why))?;
    portcullis_now_ms_utils::register_nondeterministic_impl(&mut conn, |plus: i64| {
        SystemClock.now().millis() + plus
    })
    .map_err(|why| bad(&why))?;
    Ok(SqliteConn::new(conn))
}

/// Opens the connection that writes. Where several processes open a new file at once, one of them makes
/// it a WAL database, which the others are refused at that moment, however long they would wait.
fn open_first(path: &str) -> ConnectionResult<SqliteConn> {
    let until = std::time::Instant::now() + deadline::OPEN;
    loop {
        match open(path, false) {
            Err(why) if why.to_string().contains(LOCKED) && std::time::Instant::now() < until => {
                std::thread::sleep(deadline::LOOK);
            }
            done => return done,
        }
    }
}

/// Opens readers.
pub(crate) struct SqliteManager(String);

impl Manager for SqliteManager {
    type Type = SqliteConn;
    type Error = ConnectionError;

    async fn create(&self) -> ConnectionResult<SqliteConn> {
        open(&self.0, true)
    }

    async fn recycle(&self, _: &mut SqliteConn, _: &Metrics) -> RecycleResult<ConnectionError> {
        Ok(())
    }
}

/// The writer and at most `size` readers of the file at `path`, which is made where there is none.
pub(in crate::storage) fn pool(
    path: &str,
    size: usize,
) -> Result<(SqliteConn, Pool<SqliteManager>), PoolError> {
    let away = |why: &dyn std::fmt::Display| PoolError::Away(format!("{path}: {why}"));
    private_folder_of(Path::new(path)).map_err(|why| away(&why))?;
    private_file(Path::new(path)).map_err(|why| away(&why))?;
    let writer = open_first(path).map_err(|why| away(&why))?;
    Ok((writer, readers(path, size)?))
}

/// At most `size` readers of the file at `path`.
pub(in crate::storage) fn readers(
    path: &str,
    size: usize,
) -> Result<Pool<SqliteManager>, PoolError> {
    Pool::builder(SqliteManager(path.to_owned()))
        .max_size(size)
        .wait_timeout(Some(deadline::CONNECTION))
        .runtime(deadpool::Runtime::Tokio1)
        .build()
        .map_err(|why| PoolError::Away(format!("{path}: {why}")))
}

/// The file that was opened. Where another was put in its place, what is open leads nowhere: a
/// write would be answered and lost, and a new reader would see another database.
pub(in crate::storage) struct OpenedFile {
    path: PathBuf,
    identity: Option<(u64, u64)>,
    replaced: AtomicBool,
}

impl OpenedFile {
    pub(in crate::storage) fn at(path: PathBuf) -> Self {
        let identity = identity(&path);
        Self { path, identity, replaced: AtomicBool::new(false) }
    }

    /// Refuses where the file was replaced. The one who follows the events looks, a few times a
    /// second; everybody else is told what it has seen.
    pub(in crate::storage) fn check(&self, whom: For) -> Result<(), PoolError> {
        let is_looking = whom == For::Follower && !self.replaced.load(Ordering::Relaxed);
        if is_looking && identity(&self.path) != self.identity {
            tracing::error!(file = %self.path.display(), "the database file was replaced: restart this node");
            self.replaced.store(true, Ordering::Relaxed);
        }
        match self.replaced.load(Ordering::Relaxed) {
            true => {
                Err(PoolError::Away("the database file was replaced: restart this node".into()))
            }
            false => Ok(()),
        }
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}
