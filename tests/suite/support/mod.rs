//! The fixtures: an installation of its own for each test, with two tenants alike.

mod agent;
mod crowd;
mod fixture;
mod minters;
mod nodes;
mod postgres;
mod proxy;
mod reply;
mod server;
mod siege;
mod snapshots;
mod tenant;
mod verdict;

use std::sync::{Arc, OnceLock};

use portcullis::{
    accounts::PasswordOwner,
    admin::{self, Admin, Authority, Permit},
    config::Config,
    domain::Timestamp,
    effects::{Effects, ManualClock, SystemEntropy},
    web::Site,
};
use rocket::{http::Method, local::asynchronous::Client};

pub(crate) use agent::Agent;
pub(crate) use crowd::{Crowd, Statistics, TABLES};
pub(crate) use fixture::fixture;
pub(crate) use minters::{Mint, Span, Who};
pub(crate) use nodes::{PassingTime, Stopped, Ways, on_four_threads};
pub(crate) use postgres::{Postgres, postgres_bin, psql};
pub(crate) use proxy::Proxy;
pub(crate) use reply::{Reply, Tokens, assert_description};
pub(crate) use server::{Server, free_port, plain_http};
pub(crate) use siege::{Siege, besiege, besieged, until_served};
pub(crate) use snapshots::assert_snapshots;
pub(crate) use tenant::{TestTenant, basic, form};
pub(crate) use verdict::{BOUND, Ended, Reach, Root, claim, kid};

pub(crate) const PASSWORD: &str = "correct horse battery staple";
pub(crate) const SECRET: &str = "a-secret-for-tests-of-the-web-client";
pub(crate) const BASE: &str = "http://127.0.0.1:8000";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const CALLBACK: &str = "https://app.example/callback";

/// An installation with tenants `acme` and `globex`, each with the same clients and users.
pub(crate) struct TestApp {
    pub(crate) client: Client,
    pub(crate) site: Arc<Site>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) config: Config,
    _folder: Arc<tempfile::TempDir>,
}

/// Whether this run is against PostgreSQL and Redis.
pub(crate) fn on_postgres() -> bool {
    std::env::var("PORTCULLIS_TEST_BACKEND").is_ok_and(|name| name == "postgres")
}

pub(crate) fn service(name: &str) -> String {
    std::env::var(format!("PORTCULLIS_TEST_{name}"))
        .unwrap_or_else(|_| panic!("run tests with `make test`, which starts {name}"))
}

/// The number of the last event, as Redis remembers it.
pub(crate) async fn head_in_redis(installation: portcullis::domain::NodeId) -> Option<String> {
    let client = redis::Client::open(service("REDIS")).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let key = format!("portcullis:{installation}:head");
    redis::cmd("GET").arg(key).query_async(&mut connection).await.unwrap()
}

/// A database of this test's own.
pub(crate) async fn new_database(folder: &std::path::Path) -> String {
    if !on_postgres() {
        return format!("sqlite:{}", folder.join("portcullis.db").display());
    }
    let server = service("POSTGRES");
    let name = format!("t{}", Effects::system().uuid().simple());
    let (client, connection) =
        tokio_postgres::connect(&format!("{server}/postgres"), tokio_postgres::NoTls)
            .await
            .unwrap();
    rocket::tokio::spawn(connection);
    client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    format!("{server}/{name}")
}

/// A connection beside the server's own, which waits for what the server is writing.
pub(crate) fn sqlite_beside(path: &str) -> diesel::SqliteConnection {
    use diesel::{Connection as _, connection::SimpleConnection as _};
    let mut conn = diesel::SqliteConnection::establish(path).unwrap();
    conn.batch_execute("PRAGMA busy_timeout = 30000").unwrap();
    conn
}

/// Runs plain SQL beside the server.
pub(crate) async fn sql(url: &str, statement: &str) {
    match url.strip_prefix("sqlite:") {
        Some(path) => {
            use diesel::connection::SimpleConnection as _;
            sqlite_beside(path).batch_execute(statement).unwrap();
        }
        None => {
            let (client, connection) =
                tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
            rocket::tokio::spawn(connection);
            client
                .batch_execute(&format!("SET portcullis.every_tenant = on; {statement}"))
                .await
                .unwrap();
        }
    }
}

/// The master key of every test, so that one hash of the password serves them all.
pub(crate) fn write_master_key(folder: &std::path::Path) -> std::path::PathBuf {
    let path = folder.join("master.key");
    std::fs::write(&path, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n").unwrap();
    path
}

pub(crate) fn effects(clock: &Arc<ManualClock>) -> Effects {
    Effects::new(Arc::clone(clock) as _, Arc::new(SystemEntropy))
}

static HASH: OnceLock<String> = OnceLock::new();

impl TestApp {
    pub(crate) async fn start() -> Self {
        Self::start_with(|config| config).await
    }

    /// An installation whose configuration was changed by `adjust`.
    pub(crate) async fn start_with(adjust: impl FnOnce(Config) -> Config) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let key = write_master_key(folder.path());
        let database = new_database(folder.path()).await;
        let mut config = Config::for_tests(BASE, &database, key).unwrap();
        if on_postgres() {
            config.redis_url = Some(service("REDIS").into());
        }
        config.database_connections = 4;
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_800_000_000)));
        let app = Self::over(adjust(config), clock, folder).await;
        app.seed().await;
        app
    }

    async fn over(config: Config, clock: Arc<ManualClock>, folder: Arc<tempfile::TempDir>) -> Self {
        Self::over_with(config, effects(&clock), clock, folder).await
    }

    pub(crate) fn admin(&self) -> Admin<'_> {
        Admin { app: &self.site.app, accounts: &self.site.accounts }
    }

    async fn seed(&self) {
        let hash = match HASH.get() {
            Some(hash) => hash.clone(),
            None => {
                let system = admin::find_tenant(&self.admin(), "system").await.unwrap();
                let mut cheap = (*system).clone();
                cheap.settings.password_bcrypt_cost = 10;
                let nobody = PasswordOwner { username: "nobody", email: None, name: None };
                let hash = self
                    .site
                    .accounts
                    .hash(&cheap, &nobody, &PASSWORD.to_owned().into())
                    .await
                    .unwrap();
                HASH.get_or_init(|| hash).clone()
            }
        };
        self.apply(&fixture(&hash)).await;
        // What was made at the instant of the fixture must not be met by its own events.
        self.clock.advance(1);
    }

    pub(crate) async fn apply(&self, file: &str) -> Vec<admin::Change> {
        self.try_apply(file, &admin::Manner::default()).await.unwrap()
    }

    /// Applies a file as a person with a shell does; what is wrong with it as it is told them.
    pub(crate) async fn try_apply(
        &self,
        file: &str,
        manner: &admin::Manner,
    ) -> Result<Vec<admin::Change>, String> {
        let mut file = admin::File::parse(file).map_err(|why| why.to_string())?;
        let applied = admin::apply(&self.admin(), &Authority::of_shell(), &mut file, manner).await;
        applied.map_err(|why| why.to_string())
    }

    /// The file that makes this installation.
    pub(crate) async fn export(&self, slug: Option<&str>, with_hashes: bool) -> serde_json::Value {
        admin::export(&self.admin(), &Authority::of_shell(), slug, with_hashes).await.unwrap()
    }

    pub(crate) async fn permit(&self, slug: &str) -> Permit {
        let tenant = admin::find_tenant(&self.admin(), slug).await.unwrap();
        Authority::of_shell().over(&self.site.app, tenant).unwrap()
    }

    /// Reads what other nodes have written, as each node does four times a second.
    pub(crate) async fn follow(&self) {
        self.site.app.revocations.follow().await.unwrap();
    }

    /// Lets the last rotations of a tenant lie so many seconds further back. Their grace is
    /// measured by the database's clock, which is nobody's to set.
    pub(crate) async fn age_rotations(&self, slug: &str, seconds: i64) {
        let permit = self.permit(slug).await;
        let mut unit = self.site.app.storage.write(permit.tenant()).await.unwrap();
        unit.tenant(permit.tenant()).age_rotations(seconds).await.unwrap();
        unit.commit().await.unwrap();
    }

    pub(crate) fn acme(&self) -> TestTenant<'_> {
        TestTenant { app: self, slug: "acme" }
    }

    pub(crate) fn globex(&self) -> TestTenant<'_> {
        TestTenant { app: self, slug: "globex" }
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Reply {
        let mut request = self.client.req(method, path.to_owned());
        request.set_remote("127.0.0.1:40000".parse().unwrap());
        for (name, value) in headers {
            // A local request does not read its own Cookie header.
            if *name == "Cookie" {
                let pairs = value.split("; ").filter_map(|pair| pair.split_once('='));
                request =
                    request.cookies(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
            } else {
                request
                    .add_header(rocket::http::Header::new((*name).to_owned(), (*value).to_owned()));
            }
        }
        let response = request.body(body.as_ref()).dispatch().await;
        Reply::read(response).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(Method::Get, path, &[], "").await
    }

    /// An access token for the admin API that reaches every tenant. Under siege, where the answer may be
    /// "try again in a moment", it is asked for again.
    pub(crate) async fn operator_token(&self) -> String {
        let system = admin::find_tenant(&self.admin(), "system").await.unwrap();
        for _ in 0..20 {
            let scope = "admin".parse().unwrap();
            let made = portcullis::oauth::mint_for_shell(&self.site.app, &system, scope).await;
            match made {
                Ok(made) => return made.access_token,
                Err(why) => assert_eq!(why.retry_after, Some(1), "{why:?}"),
            }
            rocket::tokio::time::sleep(rocket::tokio::time::Duration::from_millis(50)).await;
        }
        panic!("no token for the operator");
    }

    /// Calls the admin API as an operator.
    pub(crate) async fn api(&self, method: Method, path: &str, body: serde_json::Value) -> Reply {
        let token = self.operator_token().await;
        self.api_as(&token, method, path, body).await
    }

    pub(crate) async fn api_as(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: serde_json::Value,
    ) -> Reply {
        let bearer = format!("Bearer {token}");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        self.send(method, &format!("/api/v1{path}"), &headers, body).await
    }

    /// The audited actions of a tenant, the newest first, with their reasons.
    pub(crate) async fn audit(&self, slug: &str) -> Vec<(String, String)> {
        let permit = self.permit(slug).await;
        let page = admin::list_audit(&self.admin(), &permit, &Default::default(), Some(200))
            .await
            .unwrap();
        page.items.into_iter().map(|event| (event.action, event.reason)).collect()
    }

    pub(crate) async fn audited(&self, slug: &str, action: &str) -> bool {
        self.audit(slug).await.iter().any(|(known, _)| known == action)
    }
}
