//! The pool of either database, behind rocket_db_pools' trait.

use std::{str::FromStr, sync::Arc, time::Duration};

use diesel::{Connection as _, ConnectionError, ConnectionResult, SqliteConnection, connection::SimpleConnection};
use diesel_async::{
    AsyncPgConnection,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
        deadpool::{self, Hook, HookError},
    },
    sync_connection_wrapper::SyncConnectionWrapper,
};
use rocket_db_pools::Database;
use tokio::sync::Mutex;

use crate::effects::private_folder_of;

use super::connection::{Backend, Connection, InPlace, PgLease, SqliteConn, SqliteLease};

/// The database of the installation, as Rocket knows it.
#[derive(Database)]
#[database("portcullis")]
pub struct Db(Pool);

/// A pool of SQLite or PostgreSQL connections, chosen by the URL.
#[derive(Clone)]
pub struct Pool(Arc<Kind>);

enum Kind {
    Sqlite { writer: Arc<Mutex<SqliteConn>>, readers: deadpool::Pool<SqliteConn> },
    Postgres(deadpool::Pool<AsyncPgConnection>),
}

/// Why no connection could be had.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// The URL names no database that is served.
    #[error("PORTCULLIS_DATABASE_URL must be sqlite:PATH or postgres://…, and is not: {0}")]
    Url(String),
    /// The database does not answer.
    #[error("the database does not answer: {0}")]
    Away(String),
}

/// How long a request waits for a connection before it is answered 503.
const WAIT: Duration = Duration::from_millis(750);

/// Writes survive a power cut (`FULL`); readers never wait for the writer (`WAL`).
const SQLITE_SETUP: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; \
     PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;";

impl Pool {
    /// Opens the database that `url` names.
    ///
    /// # Errors
    /// [`PoolError::Url`] for a URL of another kind, [`PoolError::Away`] where a file cannot be opened.
    /// PostgreSQL is first asked when a connection is first needed.
    pub async fn open(url: &str, size: usize) -> Result<Self, PoolError> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            Self::open_sqlite(path.trim_start_matches("//"), size).await
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Self::open_postgres(url, size)
        } else {
            let shown = url.split(':').next().unwrap_or_default();
            Err(PoolError::Url(format!("{shown}:…")))
        }
    }

    async fn open_sqlite(path: &str, size: usize) -> Result<Self, PoolError> {
        let away = |why: &dyn std::fmt::Display| PoolError::Away(format!("{path}: {why}"));
        private_folder_of(std::path::Path::new(path)).map_err(|why| away(&why))?;
        let writer = open_sqlite_file(path, false).map_err(|why| away(&why))?;
        let mut config = ManagerConfig::<SqliteConn>::default();
        config.recycling_method = RecyclingMethod::Fast;
        config.custom_setup = Box::new(|path| {
            let opened = open_sqlite_file(path, true);
            Box::pin(std::future::ready(opened))
        });
        let manager = AsyncDieselConnectionManager::new_with_config(path, config);
        let readers = deadpool::Pool::builder(manager)
            .max_size(size)
            .wait_timeout(Some(WAIT))
            .runtime(::deadpool::Runtime::Tokio1)
            .build()
            .map_err(|why| away(&why))?;
        Ok(Self(Arc::new(Kind::Sqlite { writer: Arc::new(Mutex::new(writer)), readers })))
    }

    fn open_postgres(url: &str, size: usize) -> Result<Self, PoolError> {
        let parsed = tokio_postgres::Config::from_str(url).map_err(|why| PoolError::Url(format!("postgres: {why}")))?;
        let tls = parsed.get_ssl_mode() == tokio_postgres::config::SslMode::Require;
        let mut config = ManagerConfig::<AsyncPgConnection>::default();
        // Asking each connection whether it lives costs as much as the query that follows; one
        // that has died says so in its socket, and its one request is answered 503.
        config.recycling_method = RecyclingMethod::Fast;
        config.custom_setup = Box::new(move |url| Box::pin(connect_postgres(url.to_owned(), tls)));
        let manager = AsyncDieselConnectionManager::new_with_config(url, config);
        let pool = deadpool::Pool::builder(manager)
            .max_size(size)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(Duration::from_secs(2)))
            .recycle_timeout(Some(WAIT))
            .runtime(::deadpool::Runtime::Tokio1)
            // A connection that was given back in the middle of a transaction is closed:
            // PostgreSQL then rolls back, and nobody inherits half a write.
            .post_recycle(Hook::sync_fn(|conn: &mut AsyncPgConnection, _| {
                use diesel_async::pooled_connection::PoolableConnection as _;
                if conn.is_broken() { Err(HookError::message("open transaction")) } else { Ok(()) }
            }))
            .build()
            .map_err(|why| PoolError::Away(why.to_string()))?;
        Ok(Self(Arc::new(Kind::Postgres(pool))))
    }

    /// A connection to read with.
    ///
    /// # Errors
    /// [`PoolError::Away`].
    pub async fn reader(&self) -> Result<Connection, PoolError> {
        let away = |why: &dyn std::fmt::Display| PoolError::Away(why.to_string());
        match &*self.0 {
            Kind::Sqlite { readers, .. } => {
                let conn = readers.get().await.map_err(|why| away(&why))?;
                Ok(Connection(Backend::Sqlite(SqliteLease::Reader(conn))))
            }
            Kind::Postgres(pool) => {
                let conn = pool.get().await.map_err(|why| away(&why))?;
                Ok(Connection(Backend::Postgres(Box::new(PgLease::new(conn, false)))))
            }
        }
    }

    /// A connection to write with: SQLite has one.
    ///
    /// # Errors
    /// [`PoolError::Away`].
    pub async fn writer(&self) -> Result<Connection, PoolError> {
        match &*self.0 {
            Kind::Sqlite { writer, .. } => {
                let conn = Arc::clone(writer).lock_owned().await;
                Ok(Connection(Backend::Sqlite(SqliteLease::Writer(conn))))
            }
            Kind::Postgres(_) => self.reader().await,
        }
    }

    /// `sqlite` or `postgres`.
    pub fn backend(&self) -> &'static str {
        match &*self.0 {
            Kind::Sqlite { .. } => "sqlite",
            Kind::Postgres(_) => "postgres",
        }
    }
}

#[rocket::async_trait]
impl rocket_db_pools::Pool for Pool {
    type Connection = Connection;
    type Error = PoolError;

    async fn init(figment: &rocket::figment::Figment) -> Result<Self, PoolError> {
        let config: rocket_db_pools::Config = figment.extract().map_err(|why| PoolError::Url(why.to_string()))?;
        Self::open(&config.url, config.max_connections).await
    }

    async fn get(&self) -> Result<Connection, PoolError> {
        self.reader().await
    }

    async fn close(&self) {
        match &*self.0 {
            Kind::Sqlite { readers, .. } => readers.close(),
            Kind::Postgres(pool) => pool.close(),
        }
    }
}

fn open_sqlite_file(path: &str, read_only: bool) -> ConnectionResult<SqliteConn> {
    let mut conn = SqliteConnection::establish(path)?;
    let setup = if read_only { format!("{SQLITE_SETUP} PRAGMA query_only = ON;") } else { SQLITE_SETUP.to_owned() };
    conn.batch_execute(&setup).map_err(|why| ConnectionError::BadConnection(why.to_string()))?;
    Ok(SyncConnectionWrapper::with_runtime(conn, InPlace))
}

async fn connect_postgres(url: String, tls: bool) -> ConnectionResult<AsyncPgConnection> {
    let bad = |why: tokio_postgres::Error| ConnectionError::BadConnection(why.to_string());
    if tls {
        let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let connector = tokio_postgres_rustls::MakeRustlsConnect::new(config);
        let (client, connection) = tokio_postgres::connect(&url, connector).await.map_err(bad)?;
        AsyncPgConnection::try_from_client_and_connection(client, connection).await
    } else {
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.map_err(bad)?;
        AsyncPgConnection::try_from_client_and_connection(client, connection).await
    }
}
