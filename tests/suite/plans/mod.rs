//! What each statement costs where its tables are large: no statement may read more rows as a
//! tenant grows (issue 6, section 3). The databases say themselves what they do, with statistics
//! and without: PostgreSQL by `auto_explain` as it runs, SQLite by `EXPLAIN QUERY PLAN`.

mod heard;
mod postgres;
mod prepared;
mod sqlite;

use portcullis::{
    admin::{self, Authority},
    domain::Timestamp,
    storage::{StorageError, Sweep},
};
use rocket::{
    http::Method::{Delete, Get, Patch, Post},
    tokio,
};
use serde_json::{Value, json};

use crate::support::{Agent, CALLBACK, Crowd, SECRET, Statistics, TestApp, VERIFIER, basic};

/// Sessions of the tenant, far more than any statement may read.
const SESSIONS: usize = 8_000;

/// Rows that a statement may read of a table: the most that a page looks through, and some.
const MOST_READ: u64 = 1_050;

/// The same for figures that are asked for: a dry run, and the tenant's own page.
const MOST_COUNTED: u64 = 10_000;

fn now(app: &TestApp) -> Timestamp {
    app.site.app.effects.now()
}

async fn crowded(app: &TestApp, statistics: Statistics) {
    let now = now(app).millis();
    Crowd { slug: "acme", sessions: SESSIONS, now, statistics }
        .gather(app.config.database_url())
        .await;
}

/// The identifier of a user of the crowd.
async fn somebody(app: &TestApp, number: usize) -> String {
    let page =
        app.api(Get, &format!("/tenants/acme/users?q=user{number}"), Value::Null).await.ok().json();
    page["items"][0]["id"].as_str().unwrap().to_owned()
}

/// Everything that people and programs do, once each.
async fn all_of_it(app: &TestApp) {
    lists(app).await;
    console(app).await;
    protocol(app).await;
    files(app).await;
    endings_of_users(app).await;
    feed(app).await;
    sweeps(app).await;
    endings_of_clients(app).await;
    endings_of_tenants(app).await;
}

async fn lists(app: &TestApp) {
    let user = somebody(app, 77).await;
    for list in [
        "sessions",
        "sessions?active=true",
        "sessions?active=false",
        "sessions?client=app",
        "sessions?client=app&active=true",
        "sessions?client=web",
        "sessions?ip=10.0.3.7",
        "sessions?ip=10.0.3.7&active=false",
        "sessions?ip=198.51.100.1",
        &format!("sessions?user={user}"),
        &format!("sessions?user={user}&active=true"),
        &format!("sessions?user={user}&client=app&ip=10.0.3.7"),
        "sessions?user=user88",
        "sessions?user=nobody",
        &format!("users/{user}/consents"),
        "users?username=user88",
        "users",
        "users?q=user99",
        "users?q=u99@x.example",
        "users?q=zzz",
        "users?q=u",
        "users?q=u&after=email:u5",
        "clients",
        "audit",
        "audit?action=session.started",
        "audit?action=none",
        "audit?actor=user:crowd",
        "audit?actor=user:crowd&action=session.started",
        "audit?since=2026-01-01T00:00:00Z&until=2027-01-01T00:00:00Z",
        "audit?actor=user:nobody&since=2026-01-01T00:00:00Z",
    ] {
        let path = format!("/tenants/acme/{list}");
        let page = app.api(Get, &path, Value::Null).await.ok().json();
        let Some(next) = page["next"].as_str().filter(|_| !list.contains("after=")) else {
            continue;
        };
        let and = if list.contains('?') { '&' } else { '?' };
        let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
        app.api(Get, &format!("{path}{and}after={next}"), Value::Null).await.ok();
    }
    let page = app.api(Get, "/tenants/acme/sessions", Value::Null).await.ok().json();
    let session = page["items"][0]["id"].as_str().unwrap();
    app.api(Get, &format!("/tenants/acme/sessions/{session}"), Value::Null).await.ok();
    app.api(Get, &format!("/tenants/acme/users/{user}"), Value::Null).await.ok();
    for selection in [format!("users/{user}"), "clients/app".into()] {
        app.api(Post, &format!("/tenants/acme/{selection}/logout?dry_run=true"), Value::Null)
            .await
            .ok();
    }
    app.api(Post, "/tenants/acme/logout?dry_run=true", Value::Null).await.ok();
    app.api(Delete, &format!("/tenants/acme/sessions/{session}?dry_run=true"), Value::Null)
        .await
        .ok();
}

async fn console(app: &TestApp) {
    let user = somebody(app, 66).await;
    let mut agent = Agent::new(app);
    agent.log_in_to_console("system", "root").await;
    for page in [
        "",
        "/sessions",
        "/sessions?active=true",
        "/sessions?client=app",
        "/users",
        "/users?q=user5",
        &format!("/users/{user}"),
        &format!("/users/{user}/logout"),
        "/clients",
        "/clients/app",
        "/clients/app/logout",
        "/logout",
        "/keys",
        "/audit",
        "/audit?action=session.started",
    ] {
        agent.get(&format!("/admin/tenants/acme{page}")).await.ok();
    }
}

async fn protocol(app: &TestApp) {
    let acme = app.acme();
    let tokens = acme.sign_in("ada").await;
    acme.bearer(Get, "/auth/me", &tokens.access).await.ok();
    let next = acme.refresh(&tokens.refresh).await.tokens();
    acme.is_active(&next.access).await;
    acme.is_active(&next.refresh).await;
    app.age_rotations("acme", 3600).await;
    acme.refresh(&tokens.refresh).await.assert_error(400, "invalid_grant");
    let code = acme.code("web", "grace").await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    acme.post_as_web("token", &form).await.ok();
    acme.post_as_web("token", &form).await.assert_error(400, "invalid_grant");
    acme.post_as_web("token", &[("grant_type", "client_credentials")]).await.ok();
    let tokens = acme.sign_in("alan").await;
    acme.post("revoke", &[("client_id", "app"), ("token", &tokens.access)]).await.ok();
    acme.post("revoke", &[("client_id", "app"), ("token", &tokens.refresh)]).await.ok();
    let tokens = acme.sign_in("alan").await;
    acme.bearer(Post, "/auth/logout", &tokens.access).await;
    let mut agent = Agent::new(app);
    agent.log_in(acme, "sam").await;
    let page = agent.get("/t/acme/account").await.ok();
    let csrf = page.hidden("csrf_token");
    agent.post("/t/acme/account/sessions/all/end", &[("csrf_token", &csrf)]).await;
    app.follow().await;
}

async fn files(app: &TestApp) {
    let permit = app.permit("acme").await;
    let file = "tenants:\n  - slug: acme\n    users: [{ username: user55, name: X }]\n";
    app.apply(file).await;
    let pruning = admin::Manner { dry_run: true, prune: admin::Prune::Everything };
    let few = "tenants: [{ slug: acme, clients: [{ client_id: app, client_name: X }], users: [{ username: user55 }] }]";
    app.try_apply(few, &pruning).await.unwrap();
    admin::export(
        &app.admin(),
        &Authority::of_shell(),
        Some(&permit.tenant().slug.to_string()),
        false,
    )
    .await
    .unwrap();
}

/// What is in force, as a resource server reads it.
async fn feed(app: &TestApp) {
    let client = "{ client_id: api, grant_types: [client_credentials], scope: revocations,";
    let file =
        format!("tenants:\n  - slug: acme\n    clients: [{client} client_secret: {SECRET} }}]\n");
    app.apply(&file).await;
    let pairs = [("grant_type", "client_credentials"), ("scope", "revocations")];
    let granted = app.acme().post_basic("token", &basic("api", SECRET), &pairs).await.ok().json();
    let token = granted["access_token"].as_str().unwrap();
    for query in ["", "?after=1&limit=10"] {
        app.acme().bearer(Get, &format!("/oauth2/revocations{query}"), token).await.ok();
    }
}

/// Waits until nothing is left of what was ended.
async fn settle(app: &TestApp) {
    let mut unit = app.site.app.storage.read_installation().await.unwrap();
    let head = unit.head().await.unwrap();
    drop(unit);
    loop {
        let storage = &app.site.app.storage;
        match storage.settle_some(app.site.app.revocations.node(), now(app)).await {
            // The node settles by itself as well, and may hold the job at this moment.
            Ok(_) | Err(StorageError::Away(_)) => {}
            Err(why) => panic!("{why}"),
        }
        let found =
            app.api(Get, &format!("/revocations/{}", head.0), Value::Null).await.ok().json();
        if found["settling"]["finished"] != false {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

async fn endings_of_users(app: &TestApp) {
    let page = app.api(Get, "/tenants/acme/sessions?user=user11", Value::Null).await.ok().json();
    let session = page["items"][0]["id"].as_str().unwrap();
    app.api(Delete, &format!("/tenants/acme/sessions/{session}"), Value::Null).await.ok();
    let ended = app
        .api(Post, &format!("/tenants/acme/users/{}/logout", somebody(app, 12).await), Value::Null)
        .await
        .ok()
        .json();
    app.api(Get, &format!("/revocations/{}", ended["event"]), Value::Null).await.ok();
    for (number, change) in [
        (13, json!({ "status": "disabled" })),
        (14, json!({ "roles": ["support"] })),
        (15, json!({ "password": "another horse, another staple" })),
        (16, json!({ "name": "Another" })),
    ] {
        let path = format!("/tenants/acme/users/{}", somebody(app, number).await);
        app.api(Patch, &path, change).await.ok();
    }
    let path = format!("/tenants/acme/users/{}", somebody(app, 17).await);
    assert_eq!(app.api(Delete, &path, Value::Null).await.status, 204);
    // What the crowd's largest has allowed, whose grants are gone through some at a time.
    let crowded = somebody(app, 0).await;
    app.api(Delete, &format!("/tenants/acme/users/{crowded}/consents/app"), Value::Null).await.ok();
    app.api(Post, &format!("/tenants/acme/users/{crowded}/logout"), Value::Null).await.ok();
    settle(app).await;
}

async fn sweeps(app: &TestApp) {
    let later = Timestamp::from_millis(now(app).millis() + 31 * 86_400_000);
    for what in Sweep::ALL {
        // Some steps show the plan; the second set is of a time when everything has expired.
        for now in [now(app), later] {
            for _ in 0..3 {
                app.site.app.storage.sweep_some(what, now).await.unwrap();
            }
        }
    }
}

async fn endings_of_clients(app: &TestApp) {
    app.api(Post, "/tenants/acme/clients/app/logout", Value::Null).await.ok();
    settle(app).await;
    lists(app).await;
    let made = json!({ "client_id": "gone", "grant_types": ["client_credentials"] });
    assert_eq!(app.api(Post, "/tenants/acme/clients", made).await.status, 201);
    assert_eq!(app.api(Delete, "/tenants/acme/clients/gone", Value::Null).await.status, 204);
    assert_eq!(app.api(Delete, "/tenants/acme/clients/other", Value::Null).await.status, 204);
    settle(app).await;
}

async fn endings_of_tenants(app: &TestApp) {
    app.api(Post, "/tenants/acme/logout", Value::Null).await.ok();
    settle(app).await;
    assert_eq!(app.api(Delete, "/tenants/acme/clients/app", Value::Null).await.status, 204);
    settle(app).await;
    assert_eq!(app.api(Delete, "/tenants/acme", Value::Null).await.status, 204);
    assert_eq!(app.api(Delete, "/tenants/acme?purge=true", Value::Null).await.status, 204);
    settle(app).await;
}
