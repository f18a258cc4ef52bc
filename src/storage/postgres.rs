//! Connections to PostgreSQL, and the pool that keeps them.

use std::{str::FromStr, time::Duration};

use deadpool::managed::{Manager, Metrics, Pool, RecycleError, RecycleResult};
use diesel::{ConnectionError, ConnectionResult};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _, pooled_connection::PoolableConnection as _};

use super::{PoolError, Scope, deadline};

/// Makes connections and says whether an old one is still good.
pub(crate) struct PgManager {
    config: tokio_postgres::Config,
    tls: bool,
    limits: &'static str,
}

/// A connection, and whose rows it was last told to work on.
pub(crate) struct Pooled {
    pub(super) conn: AsyncPgConnection,
    pub(super) scope: Option<Scope>,
}

impl PgManager {
    pub(super) fn new(url: &str, limits: &'static str) -> Result<Self, PoolError> {
        let mut config =
            tokio_postgres::Config::from_str(url).map_err(|why| PoolError::Url(format!("postgres: {why}")))?;
        let tls = config.get_ssl_mode() == tokio_postgres::config::SslMode::Require;
        // A server that has gone without a word is given up within seconds, not hours.
        config
            .connect_timeout(deadline::CONNECT)
            .tcp_user_timeout(Duration::from_secs(3))
            .keepalives(true)
            .keepalives_idle(Duration::from_secs(3))
            .keepalives_interval(Duration::from_secs(1))
            .keepalives_retries(2)
            .application_name("portcullis");
        Ok(Self { config, tls, limits })
    }

    /// The same without limits in time.
    pub(super) fn unlimited(&self) -> Self {
        Self { config: self.config.clone(), tls: self.tls, limits: "" }
    }

    pub(super) async fn connect(&self) -> ConnectionResult<AsyncPgConnection> {
        let bad = |why: tokio_postgres::Error| ConnectionError::BadConnection(why.to_string());
        let mut conn = if self.tls {
            let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
            let tls = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
            let connector = tokio_postgres_rustls::MakeRustlsConnect::new(tls);
            let (client, connection) = self.config.connect(connector).await.map_err(bad)?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await?
        } else {
            let (client, connection) = self.config.connect(tokio_postgres::NoTls).await.map_err(bad)?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await?
        };
        let limited = conn.batch_execute(self.limits).await;
        limited.map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(conn)
    }
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
        if pooled.conn.is_broken() { Err(RecycleError::message("closed or in a transaction")) } else { Ok(()) }
    }
}

/// A pool of at most `size` connections.
pub(super) fn pool(manager: PgManager, size: usize) -> Result<Pool<PgManager>, PoolError> {
    Pool::builder(manager)
        .max_size(size)
        .wait_timeout(Some(deadline::CONNECTION))
        .create_timeout(Some(deadline::CONNECT))
        .recycle_timeout(Some(deadline::CONNECTION))
        .runtime(deadpool::Runtime::Tokio1)
        .build()
        .map_err(|why| PoolError::Away(why.to_string()))
}
