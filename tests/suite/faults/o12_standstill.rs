//! A PostgreSQL that stands still, with every connection of the pool in use.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use rocket::{
    futures::future::join_all,
    http::Method,
    tokio::{
        self,
        time::{Duration, Instant},
    },
};
use serde_json::{Value, json};

use crate::support::{Agent, PASSWORD, Postgres, Reply, TestApp, on_four_threads, on_postgres};

/// 503 within two seconds is the promise; twice that, on a machine that others use too.
pub(super) const LIMIT: Duration = Duration::from_secs(4);

/// Served again within five seconds is the promise.
const BACK: Duration = Duration::from_secs(8);

pub(super) const CONNECTIONS: usize = 16;

pub(super) async fn app_over(url: String) -> TestApp {
    TestApp::start_with(move |config| {
        let mut with = portcullis::config::Config::for_tests(
            crate::support::BASE,
            &url,
            config.master_key_file,
        )
        .unwrap();
        with.database_connections = CONNECTIONS;
        with
    })
    .await
}

/// What is asked of every endpoint; all at once.
struct Asked<'a> {
    app: &'a TestApp,
    access: String,
    refresh: String,
    operator: String,
    cookies: std::collections::BTreeMap<String, String>,
    console: std::collections::BTreeMap<String, String>,
}

const EVERY: [&str; 10] = [
    "refresh",
    "machine",
    "login",
    "userinfo",
    "introspection",
    "ready",
    "list",
    "account",
    "console",
    "console login",
];

impl Asked<'_> {
    async fn one(&self, what: &'static str) -> (&'static str, Reply, Duration) {
        let (app, acme, began) = (self.app, self.app.acme(), Instant::now());
        let reply = match what {
            "refresh" => acme.refresh(&self.refresh).await,
            "machine" => acme.post_as_web("token", &[("grant_type", "client_credentials")]).await,
            "login" => {
                let body = json!({ "username": "grace", "password": PASSWORD, "client_id": "app" });
                acme.post_json("/auth/login", body).await
            }
            "userinfo" => acme.bearer(Method::Get, "/oauth2/userinfo", &self.access).await,
            "introspection" => acme.introspect(&self.access).await,
            "ready" => app.get("/readyz").await,
            "list" => {
                app.api_as(&self.operator, Method::Get, "/tenants/acme/users", Value::Null).await
            }
            "account" => {
                let mut agent = Agent::new(app);
                agent.cookies = self.cookies.clone();
                agent.get("/t/acme/account").await
            }
            "console" => {
                let mut agent = Agent::new(app);
                agent.cookies = self.console.clone();
                agent.get("/admin/tenants/acme/users").await
            }
            _ => Agent::new(app).log_in_to_console("acme", "grace").await,
        };
        (what, reply, began.elapsed())
    }

    async fn all(&self) -> Vec<(&'static str, Reply, Duration)> {
        join_all(EVERY.map(|what| self.one(what))).await
    }
}

/// Refreshes without end; counts what was acknowledged, and keeps what was answered last.
struct Family {
    token: Mutex<String>,
    acknowledged: Mutex<u32>,
    longest: Mutex<Duration>,
    refused: Mutex<u32>,
}

impl Family {
    async fn once(&self, app: &TestApp) -> bool {
        let (token, began) = (self.token.lock().unwrap().clone(), Instant::now());
        let reply = app.acme().refresh(&token).await;
        let mut longest = self.longest.lock().unwrap();
        *longest = (*longest).max(began.elapsed());
        match reply.status {
            200 => {
                *self.token.lock().unwrap() = reply.tokens().refresh;
                *self.acknowledged.lock().unwrap() += 1;
                true
            }
            _ => {
                reply.assert_error(503, "temporarily_unavailable");
                assert!(reply.header("retry-after").is_some());
                *self.refused.lock().unwrap() += 1;
                false
            }
        }
    }
}

#[test]
fn o12_a_database_that_stands_still_is_answered_503_in_time_and_all_is_whole_when_it_is_back() {
    if !on_postgres() {
        return;
    }
    on_four_threads(async {
        let postgres = Postgres::start();
        let app = Arc::new(app_over(postgres.url()).await);
        let mut agent = Agent::new(&app);
        agent.log_in(app.acme(), "grace").await;
        let tokens = app.acme().sign_in("ada").await;
        let (access, refresh) = (tokens.access, tokens.refresh);
        let cookies = agent.cookies.clone();
        let mut agent = Agent::new(&app);
        agent.log_in_to_console("acme", "grace").await;
        let console = agent.cookies.clone();
        let asked = Asked {
            app: &app,
            access,
            refresh,
            operator: app.operator_token().await,
            cookies,
            console,
        };
        let mut families = Vec::new();
        for _ in 0..CONNECTIONS {
            let token = Mutex::new(app.acme().sign_in("ada").await.refresh);
            families.push(Arc::new(Family {
                token,
                acknowledged: Mutex::default(),
                longest: Mutex::default(),
                refused: Mutex::default(),
            }));
        }
        // Every connection is open and has been used.
        let storage = &app.site.app.storage;
        let held = join_all((0..CONNECTIONS).map(|_| storage.read_installation())).await;
        assert!(held.iter().all(Result::is_ok));
        drop(held);

        // Rotations are under way when it stops; some are committed when it goes on, and answered 503.
        let generations = || -> u32 {
            postgres
                .sql("portcullis", "SELECT sum(generation) FROM token_families")
                .parse()
                .unwrap()
        };
        let acknowledged =
            || -> u32 { families.iter().map(|family| *family.acknowledged.lock().unwrap()).sum() };
        let before = generations();
        let going = Arc::new(AtomicBool::new(true));
        let work: Vec<_> = families
            .iter()
            .map(|family| {
                let (family, app, going) =
                    (Arc::clone(family), Arc::clone(&app), Arc::clone(&going));
                tokio::spawn(async move {
                    while going.load(Ordering::SeqCst) {
                        family.once(&app).await;
                    }
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(300)).await;
        // What is committed from now on lasts, and is answered by nobody.
        postgres.let_commits_wait_for("nobody");
        tokio::time::sleep(Duration::from_millis(100)).await;
        postgres.hold_still();
        let mut seen = Vec::new();
        // At once, when the view has just grown old, and later.
        for pause in [0, 2500, 500] {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            seen.push(asked.all().await);
        }
        going.store(false, Ordering::SeqCst);
        for done in join_all(work).await {
            done.unwrap();
        }
        let longest = seen.iter().flatten().map(|(what, _, took)| (*took, *what)).max().unwrap();
        for (at, (what, reply, took)) in seen.iter().flatten().enumerate() {
            assert!(*took <= LIMIT, "{what} took {took:?}");
            match reply.status {
                503 => assert!(
                    *what == "ready" || reply.header("retry-after").is_some(),
                    "{what} {reply:?}"
                ),
                // From memory, while the view is fresh; then nothing is called inactive.
                // Signed in just before it stopped.
                303 => {
                    assert_eq!((*what, reply.location().as_str()), ("console login", "/admin"))
                }
                200 => {
                    assert!(!reply.body.contains("\"active\":false"), "{what} {}", reply.body)
                }
                other => panic!("{what} is answered {other} {}", reply.body),
            }
            assert!(
                at < EVERY.len() || reply.status == 503,
                "{what} is answered from a view that nobody confirms"
            );
        }
        let stopped = Instant::now();
        postgres.go_on();
        postgres.let_commits_wait_for("");
        let back = loop {
            let all = asked.all().await;
            if all.iter().all(|(_, reply, _)| reply.status == 200 || reply.status == 303) {
                break stopped.elapsed();
            }
            let wrong = all.iter().find(|(_, reply, _)| !matches!(reply.status, 200 | 303 | 503));
            assert!(wrong.is_none(), "{wrong:?}");
            assert!(
                stopped.elapsed() < BACK,
                "{:?}",
                all.iter().map(|(what, r, _)| (what, r.status)).collect::<Vec<_>>()
            );
        };
        // The one that asks of every endpoint has moved its own family once, and then retries.
        let lost = (generations() - before).saturating_sub(acknowledged() + 1);
        let slowest = families.iter().map(|family| *family.longest.lock().unwrap()).max().unwrap();
        assert!(slowest <= LIMIT, "a refresh took {slowest:?}");
        eprintln!(
            "o12: longest {longest:?}, refresh {slowest:?}, back after {back:?}, unanswered {lost}"
        );
        assert!(lost > 0, "no rotation was committed and not answered, so nothing was shown");
        // However late the retry comes, it is no theft.
        app.age_rotations("acme", 100_000).await;
        for family in &families {
            assert!(family.once(&app).await, "a family was lost");
        }
        assert!(!app.audited("acme", "refresh.reuse").await);
    });
}
