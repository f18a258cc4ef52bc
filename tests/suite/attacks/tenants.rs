//! T rows, generated: every mounted route with every artefact of another tenant.
//!
//! A route that no line of [`ROUTES`] speaks of fails the test.

use std::collections::BTreeSet;

use rocket::http::Method;
use serde_json::{Value, json};

use super::tenant_routes::{Kind, ROUTES};
use crate::support::{Agent, PASSWORD, SECRET, TestApp, Tokens, VERIFIER, basic, form};

/// Everything of tenant acme that somebody could bring to globex.
struct Artefacts {
    tokens: Tokens,
    code: String,
    cookies: Vec<(String, String)>,
    admin_token: String,
    session: String,
    user: String,
}

async fn artefacts(app: &TestApp) -> Artefacts {
    let acme = app.acme();
    let tokens = acme.sign_in("ada").await;
    let me = acme.bearer(Method::Get, "/auth/me", &tokens.access).await.json();
    let mut agent = Agent::new(app);
    agent.log_in(acme, "ada").await;
    agent.log_in_to_console("acme", "grace").await;
    let code = acme.code("app", "ada").await;
    let pairs = [("grant_type", "client_credentials"), ("scope", "admin")];
    let admin_token =
        acme.post_basic("token", &basic("robot", SECRET), &pairs).await.tokens().access;
    Artefacts {
        tokens,
        code,
        cookies: agent.cookies.into_iter().collect(),
        admin_token,
        session: me["sid"].as_str().unwrap().to_owned(),
        user: me["sub"].as_str().unwrap().to_owned(),
    }
}

/// The address of a route in tenant `slug`, its other names filled with acme's objects.
fn address(path: &str, slug: &str, held: &Artefacts) -> String {
    let id = if path.contains("/users/") { &held.user } else { &held.session };
    path.replace("<_>", slug)
        .replace("<slug>", slug)
        .replace("<client_id>", "web")
        .replace("/clients/<id>", "/clients/web")
        .replace("<id>", id)
        .replace("<kid>", "a-kid-of-theirs")
        .replace("<event>", "1")
}

fn mounted(app: &TestApp) -> BTreeSet<String> {
    app.client
        .rocket()
        .routes()
        .map(|route| format!("{} {}", route.method, route.uri.path()))
        .collect()
}

#[rocket::async_test]
async fn t_every_mounted_route_is_listed_and_every_listed_route_is_mounted() {
    let app = TestApp::start().await;
    let listed: BTreeSet<String> = ROUTES.iter().map(|(route, _)| (*route).to_owned()).collect();
    let mounted = mounted(&app);
    let unlisted: Vec<_> = mounted.difference(&listed).collect();
    let unmounted: Vec<_> = listed.difference(&mounted).collect();
    assert!(
        unlisted.is_empty() && unmounted.is_empty(),
        "unlisted {unlisted:?}, unmounted {unmounted:?}"
    );
}

#[rocket::async_test]
async fn t1_t2_t3_t5_t7_no_artefact_of_one_tenant_opens_anything_of_another() {
    let app = TestApp::start().await;
    let held = artefacts(&app).await;
    for (route, kind) in ROUTES {
        let (method, path) = route.split_once(' ').unwrap();
        let method: Method = method.parse().unwrap();
        let path = address(path, "globex", &held);
        match kind {
            Kind::Public => {}
            Kind::Clients => no_grant_crosses(&app, &path, &held).await,
            Kind::Bearer => no_bearer_crosses(&app, method, &path, &held).await,
            Kind::Cookie => no_cookie_crosses(&app, method, &path, &held).await,
            Kind::Api => no_admin_crosses(&app, method, &path, &held).await,
            Kind::Console => no_console_crosses(&app, method, &path, &held).await,
        }
    }
    // Nothing of acme was used up or ended by any of it.
    app.acme().redeem(&held.code).await.ok();
    app.acme().refresh(&held.tokens.refresh).await.ok();
    assert!(app.acme().is_active(&held.tokens.access).await);
    // And nothing was added to or taken from globex.
    let sessions = app.api(Method::Get, "/tenants/globex/sessions", Value::Null).await.json();
    assert_eq!(sessions["items"], json!([]));
    assert!(app.audited("globex", "tenant.mismatch").await);
    assert!(app.audited("globex", "admin.refused").await);
}

async fn no_grant_crosses(app: &TestApp, path: &str, held: &Artefacts) {
    let urlencoded = ("Content-Type", "application/x-www-form-urlencoded");
    if path.ends_with("/auth/login") {
        return;
    }
    let code = [
        ("grant_type", "authorization_code"),
        ("client_id", "app"),
        ("code", held.code.as_str()),
        ("redirect_uri", crate::support::CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let refresh = [
        ("grant_type", "refresh_token"),
        ("client_id", "app"),
        ("refresh_token", held.tokens.refresh.as_str()),
    ];
    if path.ends_with("/token") {
        let unknown = [
            ("grant_type", "authorization_code"),
            ("client_id", "app"),
            ("code", "unknown"),
            ("redirect_uri", crate::support::CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        let unknown = app.send(Method::Post, path, &[urlencoded], form(&unknown)).await;
        for pairs in [code.as_slice(), refresh.as_slice()] {
            let reply = app.send(Method::Post, path, &[urlencoded], form(pairs)).await;
            reply.assert_error(400, "invalid_grant");
            assert_eq!(reply.body, unknown.body, "the answer is that for an unknown one");
        }
        return;
    }
    let authorization = basic("web", SECRET);
    let headers = [urlencoded, ("Authorization", authorization.as_str())];
    for token in [&held.tokens.access, &held.tokens.refresh] {
        let reply = app.send(Method::Post, path, &headers, form(&[("token", token)])).await.ok();
        if path.ends_with("/introspect") {
            assert_eq!(reply.json(), json!({ "active": false }));
        }
    }
}

async fn no_bearer_crosses(app: &TestApp, method: Method, path: &str, held: &Artefacts) {
    for token in [
        &held.tokens.access,
        &held.tokens.refresh,
        held.tokens.id.as_ref().unwrap(),
        &held.admin_token,
    ] {
        let bearer = format!("Bearer {token}");
        let reply = app.send(method, path, &[("Authorization", &bearer)], "").await;
        // The feed is not there for another tenant's token (contract 10).
        let is_gone = reply.status == 404 && path.ends_with("/oauth2/revocations");
        let is_refused = is_gone || matches!(reply.status, 401 | 403);
        assert!(is_refused, "{path}: {} {}", reply.status, reply.body);
    }
}

async fn no_cookie_crosses(app: &TestApp, method: Method, path: &str, held: &Artefacts) {
    let mut agent = Agent::new(app);
    agent.cookies.extend(held.cookies.iter().cloned());
    let query = app.globex().authorization("app", &[]);
    let query = query.split_once('?').unwrap().1;
    // As the tenant that is tried has sealed it, for a stranger.
    let sealed = Agent::new(app).get(&app.globex().authorization("app", &[])).await.location();
    let sealed = sealed.split_once("request=").unwrap().1;
    let reply = match (method, path.rsplit('/').next().unwrap()) {
        (Method::Get, "authorize") => agent.get(&format!("{path}?{query}")).await,
        (Method::Get, "consent" | "login") => agent.get(&format!("{path}?request={sealed}")).await,
        (Method::Get, "logout") => {
            let hint = form(&[("id_token_hint", held.tokens.id.as_deref().unwrap())]);
            agent.get(&format!("{path}?{hint}")).await
        }
        (Method::Get, _) => agent.get(path).await,
        (_, "login") => {
            let csrf = agent.get(path).await.hidden("csrf_token");
            agent
                .post(
                    path,
                    &[("csrf_token", &csrf), ("username", "ada"), ("password", "of another")],
                )
                .await
        }
        _ => {
            let csrf = agent.get("/t/globex/login").await.hidden("csrf_token");
            let fields = [
                ("csrf_token", csrf.as_str()),
                ("request", sealed),
                ("decision", "allow"),
                ("confirmed", "yes"),
            ];
            agent.post(path, &fields).await
        }
    };
    assert!(reply.status < 500, "{path}: {} {}", reply.status, reply.body);
    if let Some(location) = reply.header("location") {
        assert!(location.starts_with("/t/globex/"), "{path}: {location}");
        assert!(!location.contains("code="), "{path}: {location}");
    }
    assert!(!reply.body.contains("Ada Lovelace"), "{path}: {}", reply.body);
}

async fn no_admin_crosses(app: &TestApp, method: Method, path: &str, held: &Artefacts) {
    let body = json!({ "name": "taken over", "username": "intruder", "jti": "x", "slug": "evil", "grant_types": [] });
    for token in [&held.admin_token, &held.tokens.access] {
        let bearer = format!("Bearer {token}");
        let headers = [
            ("Authorization", bearer.as_str()),
            ("Content-Type", "application/json"),
            // What a caller claims of its tenant is not looked at.
            ("X-Tenant", "globex"),
        ];
        let reply = app.send(method, path, &headers, body.to_string()).await;
        assert!(
            matches!(reply.status, 403 | 404),
            "{method} {path}: {} {}",
            reply.status,
            reply.body
        );
    }
    // The own tenant's address with another tenant's object finds nothing either.
    if path.contains("/users/") || path.contains("/sessions/") {
        let globex = app.operator_token().await;
        let reply = app.api_as(&globex, method, path.strip_prefix("/api/v1").unwrap(), body).await;
        assert_eq!(reply.status, 404, "{method} {path}: {}", reply.body);
    }
}

async fn no_console_crosses(app: &TestApp, method: Method, path: &str, held: &Artefacts) {
    let mut agent = Agent::new(app);
    agent.cookies.extend(held.cookies.iter().cloned());
    let reply = match method {
        Method::Get => agent.get(path).await,
        _ => {
            let csrf = agent.get("/admin/tenants/acme").await.hidden("csrf_token");
            let fields = [
                ("csrf_token", csrf.as_str()),
                ("username", "intruder"),
                ("name", "x"),
                ("slug", "evil"),
            ];
            agent.post(path, &fields).await
        }
    };
    assert!(matches!(reply.status, 403 | 404), "{method} {path}: {} {}", reply.status, reply.body);
}

#[rocket::async_test]
async fn t4_credentials_of_a_client_of_one_tenant_are_none_of_another() {
    let app = TestApp::start().await;
    let made =
        app.api(Method::Post, "/tenants/acme/clients/web/secrets", Value::Null).await.ok().json();
    let own = made["client_secret"].as_str().unwrap();
    let grant = [("grant_type", "client_credentials")];
    app.acme().post_basic("token", &basic("web", own), &grant).await.ok();
    app.globex()
        .post_basic("token", &basic("web", own), &grant)
        .await
        .assert_error(401, "invalid_client");
}

#[rocket::async_test]
async fn t8_keys_of_a_kind_and_a_tenant_cannot_be_confused() {
    let app = TestApp::start().await;
    // The same text as a code, a refresh token, a cookie and a jti means nothing twice.
    let code = app.acme().code("app", "ada").await;
    app.acme().refresh(&code).await.assert_error(400, "invalid_grant");
    let mut agent = Agent::new(&app);
    agent.cookies.insert("portcullis_session".into(), code.clone());
    assert!(agent.get("/t/acme/account").await.location().starts_with("/t/acme/login"));
    app.acme().redeem(&code).await.ok();
}

#[rocket::async_test]
async fn t10_a_slug_that_is_made_anew_knows_nothing_of_the_old_one() {
    let app = TestApp::start().await;
    let tokens = app.globex().sign_in("ada").await;
    let keys = app.get("/t/globex/oauth2/jwks").await.body;
    app.api(Method::Delete, "/tenants/globex", Value::Null).await.ok();
    app.api(Method::Delete, "/tenants/globex?purge=true", Value::Null).await.ok();
    app.api(Method::Post, "/tenants", json!({ "slug": "globex" })).await.ok();
    let client = json!({ "client_id": "web", "client_secret": SECRET, "grant_types": ["client_credentials"] });
    app.api(Method::Post, "/tenants/globex/clients", client).await.ok();
    assert_ne!(keys, app.get("/t/globex/oauth2/jwks").await.body);
    assert!(!app.globex().is_active(&tokens.access).await);
    assert!(!app.globex().is_active(&tokens.refresh).await);
    let user = json!({ "username": "ada", "password": PASSWORD });
    app.api(Method::Post, "/tenants/globex/users", user).await.ok();
    assert!(!app.globex().is_active(&tokens.access).await);
    // Suspended and resumed, its old tokens stay dead too.
    let again = app.acme().sign_in("ada").await;
    app.api(Method::Delete, "/tenants/acme", Value::Null).await.ok();
    app.api(Method::Patch, "/tenants/acme", json!({ "status": "active" })).await.ok();
    assert!(!app.acme().is_active(&again.access).await);
    app.acme().refresh(&again.refresh).await.assert_error(400, "invalid_grant");
}
