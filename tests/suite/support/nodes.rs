//! More nodes of one installation, with clocks and ways to the database of their own, and time that passes.

use std::sync::Arc;

use portcullis::{
    config::Config,
    domain::Timestamp,
    effects::{Clock, Effects, ManualClock, SystemEntropy},
    web::Site,
};
use rocket::{
    figment::Figment,
    local::asynchronous::Client,
    tokio::{
        self,
        task::JoinHandle,
        time::{Duration, Instant},
    },
};

use super::{Proxy, TestApp, effects};

/// A clock that goes as another does, but stands ahead of it or behind it.
struct ShiftedClock {
    base: Arc<ManualClock>,
    millis: i64,
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.base.now().millis() + self.millis)
    }
}

/// While it is held, a test's clock goes as fast as the machine's.
pub(crate) struct PassingTime(JoinHandle<()>);

impl Drop for PassingTime {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The two ways of a node to what it shares with others.
pub(crate) struct Ways {
    pub(crate) sql: Proxy,
    pub(crate) redis: Proxy,
}

impl Ways {
    /// Closes every connection and takes no new one.
    pub(crate) fn cut(&self) {
        self.sql.cut();
        self.redis.cut();
    }

    /// Takes connections and passes nothing on.
    pub(crate) fn stall(&self) {
        self.sql.stall();
        self.redis.stall();
    }

    pub(crate) fn heal(&self) {
        self.sql.heal();
        self.redis.heal();
    }
}

/// What is left of a node that was stopped.
pub(crate) struct Stopped {
    pub(crate) config: Config,
    clock: Arc<ManualClock>,
    folder: Arc<tempfile::TempDir>,
}

impl Stopped {
    /// The same node anew, over what stands in the database by now.
    pub(crate) async fn start(self) -> TestApp {
        TestApp::over(self.config, self.clock, self.folder).await
    }
}

impl TestApp {
    /// Stops the node as SIGTERM does.
    pub(crate) async fn stop(self) -> Stopped {
        let Self { client, config, clock, _folder: folder, .. } = self;
        drop(client.terminate().await);
        Stopped { config, clock, folder }
    }

    pub(super) async fn over_with(
        config: Config,
        effects: Effects,
        clock: Arc<ManualClock>,
        folder: Arc<tempfile::TempDir>,
    ) -> Self {
        let figment = Figment::from(rocket::Config::debug_default()).merge(("log_level", "off"));
        let rocket = portcullis::build(figment, config.clone(), effects, true);
        let client = Client::untracked(rocket).await.expect("the server starts");
        let site = Arc::clone(client.rocket().state::<Arc<Site>>().unwrap());
        Self { client, site, clock, config, _folder: folder }
    }

    /// Another node, or the same after a restart, over the same database and clock.
    pub(crate) async fn another_node(&self) -> Self {
        Self::over(self.config.clone(), Arc::clone(&self.clock), Arc::clone(&self._folder)).await
    }

    /// Another node over the same database whose clock is `seconds` ahead of this one's (behind it,
    /// where they are negative), and moves with it.
    pub(crate) async fn another_node_with_clock(&self, seconds: i64) -> Self {
        let clock = ShiftedClock { base: Arc::clone(&self.clock), millis: seconds * 1000 };
        let effects = Effects::new(Arc::new(clock), Arc::new(SystemEntropy));
        let (config, clock) = (self.config.clone(), Arc::clone(&self.clock));
        Self::over_with(config, effects, clock, Arc::clone(&self._folder)).await
    }

    /// Another node that reaches PostgreSQL and Redis over ways that can be cut.
    pub(crate) async fn another_node_that_can_be_cut_off(&self) -> (Self, Ways) {
        let mut config = self.config.clone();
        let (sql, database) = Proxy::before(config.database_url()).await;
        let (redis, lists) = Proxy::before(&super::service("REDIS")).await;
        config.database_url = database.into();
        config.redis_url = Some(lists.into());
        let clock = Arc::clone(&self.clock);
        let node = Self::over_with(config, effects(&clock), clock, Arc::clone(&self._folder)).await;
        (node, Ways { sql, redis })
    }

    /// Lets the clock go as the machine's does, for as long as the answer is held.
    pub(crate) fn let_time_pass(&self) -> PassingTime {
        let clock = Arc::clone(&self.clock);
        PassingTime(tokio::spawn(async move {
            let (began, mut passed) = (Instant::now(), 0);
            loop {
                tokio::time::sleep(Duration::from_millis(1)).await;
                let now = i64::try_from(began.elapsed().as_millis()).unwrap();
                clock.advance_millis(now - passed);
                passed = now;
            }
        }))
    }
}

/// Runs a test on four threads: with one, requests only ever wait for one another.
pub(crate) fn on_four_threads(test: impl Future<Output = ()>) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(test);
    runtime.shutdown_timeout(Duration::from_millis(500));
}
