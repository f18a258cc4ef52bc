//! Connections to PostgreSQL, and the pool that keeps them.

use std::{
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use deadpool::managed::{Manager, Metrics, Pool, RecycleError, RecycleResult};
use diesel::{ConnectionError, ConnectionResult};
use diesel_async::{
    AsyncPgConnection, SimpleAsyncConnection as _, pooled_connection::PoolableConnection as _,
};
use tokio_postgres::{
    Config,
    config::{Host, SslMode, TargetSessionAttrs},
};

use crate::storage::{PoolError, Scope, engine::deadline};

/// Makes connections and says whether an old one is still good.
pub(crate) struct PgManager {
    /// One for each server that the URL names.
    servers: Arc<[Config]>,
    /// The one that took the last connection.
    last: Arc<AtomicUsize>,
    tls: bool,
    limits: &'static str,
}

/// A connection, and whose rows it was last told to work on.
pub(crate) struct Pooled {
    pub(in crate::storage) conn: AsyncPgConnection,
    pub(in crate::storage) scope: Option<Scope>,
}

impl PgManager {
    pub(in crate::storage) fn new(url: &str, limits: &'static str) -> Result<Self, PoolError> {
        let config =
            Config::from_str(url).map_err(|why| PoolError::Url(format!("postgres: {why}")))?;
        let tls = config.get_ssl_mode() == SslMode::Require;
        let servers = servers_of(&config);
        if servers.is_empty() {
            return Err(PoolError::Url("postgres: it names no server".into()));
        }
        Ok(Self { servers: servers.into(), last: Arc::default(), tls, limits })
    }

    /// The same without limits in time.
    pub(in crate::storage) fn unlimited(&self) -> Self {
        Self {
            servers: Arc::clone(&self.servers),
            last: Arc::clone(&self.last),
            tls: self.tls,
            limits: "",
        }
    }

    /// A connection to the first server that takes writes, beginning with the one that did last.
    pub(in crate::storage) async fn connect(&self) -> ConnectionResult<AsyncPgConnection> {
        let (first, count) = (self.last.load(Ordering::Relaxed), self.servers.len());
        let mut refused = ConnectionError::BadConnection("no server".into());
        for at in (0..count).map(|step| (first + step) % count) {
            let Some(server) = self.servers.get(at) else { continue };
            // Each has its share of the time: one that stands still must not hide the next.
            let share = deadline::CONNECT / u32::try_from(count).unwrap_or(u32::MAX);
            match tokio::time::timeout(share, self.connect_to(server)).await {
                Ok(Ok(conn)) => {
                    self.last.store(at, Ordering::Relaxed);
                    return Ok(conn);
                }
                Ok(Err(why)) => refused = why,
                Err(_) => {
                    refused = ConnectionError::BadConnection("a server does not answer".into())
                }
            }
        }
        Err(refused)
    }

    async fn connect_to(&self, server: &Config) -> ConnectionResult<AsyncPgConnection> {
        let bad = |why: tokio_postgres::Error| ConnectionError::BadConnection(in_words(&why));
        let mut conn = if self.tls {
            let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
            let tls =
                rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
            let connector = tokio_postgres_rustls::MakeRustlsConnect::new(tls);
            let (client, connection) = server.connect(connector).await.map_err(bad)?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await?
        } else {
            let (client, connection) = server.connect(tokio_postgres::NoTls).await.map_err(bad)?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await?
        };
        for settings in [self.limits, deadline::PLANNING] {
            conn.batch_execute(settings)
                .await
                .map_err(ConnectionError::CouldntSetupConfiguration)?;
        }
        Ok(conn)
    }
}

/// The server's own words, where it has said something: the driver's are "db error".
fn in_words(why: &tokio_postgres::Error) -> String {
    match (why.as_db_error(), std::error::Error::source(why)) {
        (Some(said), _) => said.message().to_owned(),
        (None, Some(cause)) => format!("{why}: {cause}"),
        (None, None) => why.to_string(),
    }
}

/// How to connect to each server that a URL names.
fn servers_of(config: &Config) -> Vec<Config> {
    let count = config.get_hosts().len().max(config.get_hostaddrs().len());
    let server = |at: usize| {
        let mut one = Config::new();
        match config.get_hosts().get(at) {
            Some(Host::Tcp(host)) => drop(one.host(host)),
            #[cfg(unix)]
            Some(Host::Unix(path)) => drop(one.host_path(path)),
            None => {}
        }
        if let Some(address) = config.get_hostaddrs().get(at) {
            one.hostaddr(*address);
        }
        if let Some(port) = config.get_ports().get(at).or(config.get_ports().first()) {
            one.port(*port);
        }
        if let Some(user) = config.get_user() {
            one.user(user);
        }
        if let Some(password) = config.get_password() {
            one.password(password);
        }
        if let Some(name) = config.get_dbname() {
            one.dbname(name);
        }
        if let Some(options) = config.get_options() {
            one.options(options);
        }
        one.ssl_mode(config.get_ssl_mode())
            .ssl_negotiation(config.get_ssl_negotiation())
            .channel_binding(config.get_channel_binding())
            // A standby answers what was true a while ago, and takes nothing.
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            // A server that has gone without a word is given up within seconds, not hours.
            .connect_timeout(deadline::CONNECT)
            .tcp_user_timeout(Duration::from_secs(3))
            .keepalives(true)
            .keepalives_idle(Duration::from_secs(3))
            .keepalives_interval(Duration::from_secs(1))
            .keepalives_retries(2)
            .application_name("portcullis");
        one
    };
    (0..count).map(server).collect()
}

impl Manager for PgManager {
    type Type = Pooled;
    type Error = ConnectionError;

    async fn create(&self) -> ConnectionResult<Pooled> {
        // Boxed: connecting is rare, and its future would make every unit of work as large as itself.
        Ok(Pooled { conn: Box::pin(self.connect()).await?, scope: None })
    }

    /// Asking each connection whether it lives costs as much as the query that follows; one that
    /// has died says so in its socket.
    async fn recycle(&self, pooled: &mut Pooled, _: &Metrics) -> RecycleResult<ConnectionError> {
        if pooled.conn.is_broken() { Err(RecycleError::message("closed")) } else { Ok(()) }
    }
}

/// A pool of at most `size` connections.
pub(in crate::storage) fn pool(
    manager: PgManager,
    size: usize,
) -> Result<Pool<PgManager>, PoolError> {
    Pool::builder(manager)
        .max_size(size)
        .wait_timeout(Some(deadline::CONNECTION))
        .create_timeout(Some(deadline::CONNECT))
        .recycle_timeout(Some(deadline::CONNECTION))
        .runtime(deadpool::Runtime::Tokio1)
        .build()
        .map_err(|why| PoolError::Away(why.to_string()))
}
