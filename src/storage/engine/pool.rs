//! The pools of either database, behind rocket_db_pools' trait.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use deadpool::managed;
use rocket_db_pools::Database;
use tokio::sync::Mutex;

use crate::storage::{
    engine::connection::{Backend, Connection, PgLease, SqliteLease},
    engine::deadline,
    engine::error::OTHERS_WRITE,
    engine::in_place::SqliteConn,
    engine::postgres::{self, PgManager},
    engine::sqlite::{self, OpenedFile, SqliteManager},
};

/// The database of the installation, as Rocket knows it.
#[derive(Database)]
#[database("portcullis")]
pub struct Db(Pool);

/// Connections to SQLite or PostgreSQL, chosen by the URL.
#[derive(Clone)]
pub struct Pool(Arc<Kind>);

enum Kind {
    Sqlite {
        path: PathBuf,
        writer: Arc<Mutex<SqliteConn>>,
        readers: managed::Pool<SqliteManager>,
        gathered: managed::Pool<SqliteManager>,
        follower: managed::Pool<SqliteManager>,
        opened: OpenedFile,
    },
    Postgres {
        requests: managed::Pool<PgManager>,
        gathered: managed::Pool<PgManager>,
        follower: managed::Pool<PgManager>,
        jobs: managed::Pool<PgManager>,
    },
}

/// Who asks for a connection. Following the events must not wait for requests, nor requests for
/// jobs, so each has connections of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::storage) enum For {
    Request,
    /// Many requests whose work is done at once.
    Gathered,
    Follower,
    Job,
    /// A file that is applied: a request that has more time.
    File,
}

/// Connections for what is gathered: rotations that are read, rotations that are written, and endings.
const GATHERED: usize = 3;

/// Why no connection could be had.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// The URL names no database that is served.
    #[error("PORTCULLIS_DATABASE_URL must be sqlite:PATH or postgres://…, and is not: {0}")]
    Url(String),
    /// The database does not answer.
    #[error("{0}")]
    Away(String),
}

impl Pool {
    /// Opens the database that `url` names.
    ///
    /// # Errors
    /// [`PoolError::Url`] for a URL of another kind, [`PoolError::Away`] where a file cannot be opened.
    /// PostgreSQL is first asked when a connection is first needed.
    pub async fn open(url: &str, size: usize) -> Result<Self, PoolError> {
        let kind = if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.trim_start_matches("//");
            let (writer, readers) = sqlite::pool(path, size)?;
            let (gathered, follower) = (sqlite::readers(path, 1)?, sqlite::readers(path, 1)?);
            let opened = OpenedFile::at(path.into());
            Kind::Sqlite {
                path: path.into(),
                writer: Arc::new(Mutex::new(writer)),
                readers,
                gathered,
                follower,
                opened,
            }
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let manager = |limits| PgManager::new(url, limits);
            Kind::Postgres {
                requests: postgres::pool(manager(deadline::SERVER_SIDE)?, size)?,
                gathered: postgres::pool(manager(deadline::SERVER_SIDE)?, GATHERED)?,
                follower: postgres::pool(manager(deadline::SERVER_SIDE)?, 1)?,
                jobs: postgres::pool(manager(deadline::SERVER_SIDE_JOB)?, 1)?,
            }
        } else {
            let shown = url.split(':').next().unwrap_or_default();
            return Err(PoolError::Url(format!("{shown}:…")));
        };
        Ok(Self(Arc::new(kind)))
    }

    /// A connection to read with.
    pub(in crate::storage) async fn reader(&self, whom: For) -> Result<Connection, PoolError> {
        let away = |why: &dyn std::fmt::Display| PoolError::Away(why.to_string());
        match &*self.0 {
            Kind::Sqlite { readers, gathered, follower, opened, .. } => {
                opened.check(whom)?;
                let pool = match whom {
                    For::Request | For::File | For::Job => readers,
                    For::Gathered => gathered,
                    For::Follower => follower,
                };
                let conn = pool.get().await.map_err(|why| away(&why))?;
                Ok(Connection(Backend::Sqlite(SqliteLease::Reader(conn))))
            }
            Kind::Postgres { requests, gathered, follower, jobs } => {
                let pool = match whom {
                    For::Request | For::File => requests,
                    For::Gathered => gathered,
                    For::Follower => follower,
                    For::Job => jobs,
                };
                let conn = pool.get().await.map_err(|why| away(&why))?;
                Ok(Connection(Backend::Postgres(Box::new(PgLease::new(conn)))))
            }
        }
    }

    /// A connection to write with: SQLite has one, which is waited for as long as for any other.
    pub(in crate::storage) async fn writer(&self, whom: For) -> Result<Connection, PoolError> {
        match &*self.0 {
            Kind::Sqlite { writer, opened, .. } => {
                opened.check(whom)?;
                let lock = Arc::clone(writer).lock_owned();
                let conn = tokio::time::timeout(deadline::CONNECTION, lock).await;
                let conn = conn.map_err(|_| PoolError::Away(OTHERS_WRITE.into()))?;
                Ok(Connection(Backend::Sqlite(SqliteLease::Writer(conn))))
            }
            Kind::Postgres { .. } => self.reader(whom).await,
        }
    }

    /// A connection of its own and without limits, for migrations; `None` for SQLite, whose writer
    /// does that too.
    pub(in crate::storage) async fn unlimited_postgres(
        &self,
    ) -> Result<Option<diesel_async::AsyncPgConnection>, PoolError> {
        match &*self.0 {
            Kind::Sqlite { .. } => Ok(None),
            Kind::Postgres { requests, .. } => {
                let manager = requests.manager();
                Box::pin(manager.unlimited().connect())
                    .await
                    .map(Some)
                    .map_err(|why| PoolError::Away(why.to_string()))
            }
        }
    }

    /// The file, where the database is one.
    pub(in crate::storage) fn file(&self) -> Option<&Path> {
        match &*self.0 {
            Kind::Sqlite { path, .. } => Some(path),
            Kind::Postgres { .. } => None,
        }
    }

    /// `sqlite` or `postgres`.
    pub fn backend(&self) -> &'static str {
        match &*self.0 {
            Kind::Sqlite { .. } => "sqlite",
            Kind::Postgres { .. } => "postgres",
        }
    }
}

#[rocket::async_trait]
impl rocket_db_pools::Pool for Pool {
    type Connection = Connection;
    type Error = PoolError;

    async fn init(figment: &rocket::figment::Figment) -> Result<Self, PoolError> {
        let config: rocket_db_pools::Config =
            figment.extract().map_err(|why| PoolError::Url(why.to_string()))?;
        Self::open(&config.url, config.max_connections).await
    }

    async fn get(&self) -> Result<Connection, PoolError> {
        self.reader(For::Request).await
    }

    /// Nothing: Rocket would close it while the trail and the good-bye are still to be written. Connections
    /// end with the process.
    async fn close(&self) {}
}
