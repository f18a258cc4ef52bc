//! Rows that somebody else holds in the middle of a transaction.

use rocket::{
    futures::future::join_all,
    http::Method,
    tokio::{
        self,
        time::{Duration, Instant},
    },
};
use serde_json::{Value, json};

use super::o12_standstill::{CONNECTIONS, LIMIT, app_over};
use crate::support::{Postgres, Reply, TestApp, Tokens, on_four_threads, on_postgres};

/// Somebody in the middle of a transaction who has taken a lock.
async fn holding(postgres: &Postgres, lock: &str) -> tokio_postgres::Client {
    let url = postgres.url().replace("portcullis@", "postgres@");
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("BEGIN; {lock}")).await.unwrap();
    client
}

#[test]
fn o12_a_locked_row_holds_up_what_needs_it_and_nothing_else() {
    if !on_postgres() {
        return;
    }
    on_four_threads(async {
        let postgres = Postgres::start();
        let app = app_over(postgres.url()).await;
        let ada = app.acme().sign_in("ada").await;
        let other = app.globex().sign_in("ada").await;
        let users = app.api(Method::Get, "/tenants/acme/users", Value::Null).await.json();
        let id_of = |name: &str| {
            let all = users["items"].as_array().unwrap();
            all.iter().find(|user| user["username"] == name).unwrap()["id"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        let (sam, alan) = (id_of("sam"), id_of("alan"));
        for (lock, path) in [
            (
                format!("SELECT 1 FROM users WHERE id = '{sam}' FOR UPDATE"),
                format!("/tenants/acme/users/{sam}"),
            ),
            (
                "SELECT 1 FROM tenants WHERE slug = 'acme' FOR UPDATE".to_owned(),
                "/tenants/acme".to_owned(),
            ),
        ] {
            let client = holding(&postgres, &lock).await;
            // More of them than there are connections, so that the pool is full of those that wait.
            let began = Instant::now();
            let waiting = (0..CONNECTIONS + 4)
                .map(|_| app.api(Method::Patch, &path, json!({ "name": "New" })));
            let waiting = async { join_all(waiting).await };
            let others = async {
                // After they have had their time, while the row is locked still.
                tokio::time::sleep(Duration::from_millis(2500)).await;
                let globex = app.globex().introspect(&other.access).await;
                let alan = format!("/tenants/globex/users?q={alan}");
                let list = app.api(Method::Get, &alan, Value::Null).await;
                (
                    globex,
                    list,
                    app.globex().sign_in("sam").await,
                    app.acme().introspect(&ada.access).await,
                )
            };
            let (held_up, (globex, list, _, own)) = tokio::join!(waiting, others);
            for reply in &held_up {
                reply.assert_problem(503);
                assert!(reply.header("retry-after").is_some());
            }
            assert!(began.elapsed() <= LIMIT + Duration::from_secs(2));
            assert!(globex.json()["active"] == true && own.json()["active"] == true);
            list.ok();
            client.batch_execute("ROLLBACK").await.unwrap();
            app.api(Method::Patch, &path, json!({ "name": "New" })).await.ok();
        }
    });
}

/// Twelve sign in, somebody holds a row of the fourth one's session, and all ask at once: that one alone is
/// told 503, and is served once the row is free.
async fn one_is_held(
    app: &TestApp,
    postgres: &Postgres,
    rows: &str,
    served: u16,
    ask: impl AsyncFn(&Tokens) -> Reply,
) {
    let mut grants = Vec::new();
    for _ in 0..12 {
        grants.push(app.acme().sign_in("ada").await);
    }
    let held = &grants[3];
    let me = app.acme().bearer(Method::Get, "/auth/me", &held.access).await.json();
    let lock = format!("SELECT 1 FROM {rows} = '{}' FOR UPDATE", me["sid"].as_str().unwrap());
    let client = holding(postgres, &lock).await;
    for (at, reply) in join_all(grants.iter().map(|tokens| ask(tokens))).await.iter().enumerate() {
        assert_eq!(reply.status, if at == 3 { 503 } else { served }, "{at}: {}", reply.body);
    }
    client.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(ask(held).await.status, served);
}

#[test]
fn o12_a_session_that_somebody_holds_is_no_other_logouts_trouble() {
    if !on_postgres() {
        return;
    }
    on_four_threads(async {
        let postgres = Postgres::start();
        let app = app_over(postgres.url()).await;
        let acme = app.acme();
        let leave =
            async |tokens: &Tokens| acme.bearer(Method::Post, "/auth/logout", &tokens.access).await;
        one_is_held(&app, &postgres, "sessions WHERE id", 204, leave).await;
    });
}

#[test]
fn o12_a_family_that_somebody_holds_is_no_other_rotations_trouble() {
    if !on_postgres() {
        return;
    }
    on_four_threads(async {
        let postgres = Postgres::start();
        let app = app_over(postgres.url()).await;
        let acme = app.acme();
        let refresh = async |tokens: &Tokens| acme.refresh(&tokens.refresh).await;
        one_is_held(&app, &postgres, "token_families WHERE session_id", 200, refresh).await;
        // Nothing was changed, or it was owed: either way it was no theft.
        assert!(!app.audited("acme", "refresh.reuse").await);
    });
}
