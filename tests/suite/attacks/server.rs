//! E, H, S rows and faults at the edge of HTTP.

use std::collections::{BTreeMap, BTreeSet};

use rocket::{futures::future::join_all, http::Method};
use serde_json::json;

use crate::support::{Agent, PASSWORD, SECRET, TestApp, basic, form};

#[rocket::async_test]
async fn e1_large_bodies_and_many_parameters_are_told_so() {
    let app = TestApp::start().await;
    let urlencoded = ("Content-Type", "application/x-www-form-urlencoded");
    for path in ["/t/acme/oauth2/token", "/t/acme/oauth2/revoke", "/t/acme/oauth2/introspect"] {
        let body = format!("grant_type=password&x={}", "a".repeat(70_000));
        app.send(Method::Post, path, &[urlencoded], body)
            .await
            .assert_error(413, "invalid_request");
    }
    let many: String = (0..200).map(|at| format!("p{at}=1&")).collect();
    app.send(Method::Post, "/t/acme/oauth2/token", &[urlencoded], many)
        .await
        .assert_error(400, "invalid_request");
    let scopes = vec!["reports.read"; 1000].join(" ");
    let pairs = [("grant_type", "client_credentials"), ("scope", scopes.as_str())];
    app.acme().post_as_web("token", &pairs).await.assert_error(400, "invalid_scope");
}

#[rocket::async_test]
async fn e3_a_login_flood_is_told_to_come_back_and_stops_nothing_else() {
    let app = TestApp::start().await;
    // A hash of a second and a flood that grows with the cores: on no machine are they done as they come.
    let slow = json!({ "settings": { "password_bcrypt_cost": 14 } });
    app.api(Method::Patch, "/tenants/acme", slow).await.ok();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // Each its own user and address, so that no throttle but the hashing itself is met.
    let flood = (0..200 + 2 * cores).map(|at| {
        let app = &app;
        async move {
            let body = json!({ "username": format!("user{at}"), "password": PASSWORD, "client_id": "app" }).to_string();
            let mut request = app.client.post("/t/acme/auth/login");
            request.set_remote(format!("10.0.{}.{}:1000", at / 250, at % 250 + 1).parse().unwrap());
            request.add_header(rocket::http::ContentType::JSON);
            crate::support::Reply::read(request.body(body).dispatch().await).await
        }
    });
    let acme = app.acme();
    let machine = acme.post_as_web("token", &[("grant_type", "client_credentials")]);
    let (replies, token) = rocket::tokio::join!(join_all(flood), machine);
    token.ok();
    let busy: Vec<_> = replies.iter().filter(|reply| reply.status == 503).collect();
    assert!(!busy.is_empty());
    assert!(busy.iter().all(|reply| reply.header("retry-after").is_some()));
    assert!(replies.iter().all(|reply| matches!(reply.status, 401 | 503)));
}

#[rocket::async_test]
async fn h1_no_answer_follows_the_host_header() {
    let app = TestApp::start().await;
    for header in ["Host", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded"] {
        let path = "/t/acme/.well-known/openid-configuration";
        let reply = app.send(Method::Get, path, &[(header, "evil.example")], "").await.ok();
        assert_eq!(reply.json()["issuer"], app.acme().issuer());
        assert!(!reply.body.contains("evil.example"));
    }
}

#[rocket::async_test]
async fn h2_an_address_is_believed_from_a_trusted_proxy_alone() {
    let seen = |app: TestApp| async move {
        let body =
            json!({ "username": "ada", "password": PASSWORD, "client_id": "app" }).to_string();
        let headers = [
            ("Content-Type", "application/json"),
            ("X-Forwarded-For", "198.51.100.7, 192.0.2.9"),
            ("X-Real-IP", "203.0.113.5"),
        ];
        app.send(Method::Post, "/t/acme/auth/login", &headers, body).await.ok();
        let list = app.api(Method::Get, "/tenants/acme/sessions", json!(null)).await.json();
        list["items"][0]["ip"].as_str().unwrap().to_owned()
    };
    assert_eq!(seen(TestApp::start().await).await, "127.0.0.1");
    let trusting = |networks: &'static [&'static str]| {
        TestApp::start_with(|mut config| {
            config.trusted_proxies = networks.iter().map(|net| net.parse().unwrap()).collect();
            config
        })
    };
    assert_eq!(seen(trusting(&["127.0.0.0/8"]).await).await, "192.0.2.9");
    assert_eq!(seen(trusting(&["127.0.0.0/8", "192.0.2.0/24"]).await).await, "198.51.100.7");
}

#[rocket::async_test]
async fn s1_no_secret_is_written_to_the_database_or_the_trail() {
    let app = TestApp::start().await;
    let tokens = app.acme().sign_in("ada").await;
    let code = app.acme().code("app", "ada").await;
    app.acme().refresh(&format!("{}x", tokens.refresh)).await;
    let mut agent = Agent::new(&app);
    agent.log_in(app.acme(), "ada").await;
    let cookie = agent.cookies["portcullis_session"].clone();
    app.site.app.audit.flush().await;
    let haystack = dump(&app).await;
    for (name, secret) in [
        ("password", PASSWORD),
        ("client secret", SECRET),
        ("access token", &tokens.access),
        ("refresh token", &tokens.refresh),
        ("code", &code),
        ("cookie", &cookie),
    ] {
        assert!(!haystack.contains(secret), "the {name} is in the database");
    }
}

/// Everything that the database holds, as text.
async fn dump(app: &TestApp) -> String {
    let url = app.config.database_url();
    if let Some(path) = url.strip_prefix("sqlite:") {
        let read = |suffix: &str| std::fs::read(format!("{path}{suffix}")).unwrap_or_default();
        let all = [read(""), read("-wal")].concat();
        return String::from_utf8_lossy(&all).into_owned();
    }
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    rocket::tokio::spawn(connection);
    // The policies would hide every row from one who does not say whose they want.
    client.batch_execute("SET portcullis.every_tenant = on").await.unwrap();
    let tables = client
        .query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", &[])
        .await
        .unwrap();
    let mut out = String::new();
    for table in tables {
        let name: String = table.get(0);
        for row in client.query(&format!("SELECT t::text FROM \"{name}\" t"), &[]).await.unwrap() {
            out.push_str(row.get::<_, &str>(0));
        }
    }
    assert!(out.contains("login.succeeded") || out.contains("ada"), "the rows were read");
    out
}

#[rocket::async_test]
async fn cookies_are_kept_from_scripts_and_other_paths() {
    let app = TestApp::start().await;
    let mut agent = Agent::new(&app);
    let reply = agent.log_in(app.acme(), "ada").await;
    let session =
        reply.cookies().find(|cookie| cookie.starts_with("portcullis_session")).unwrap().to_owned();
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/t/acme"] {
        assert!(session.contains(attribute), "{session}");
    }
    let secure = TestApp::start_with(|mut config| {
        config.base_url = "https://id.example".into();
        config
    });
    let secure = secure.await;
    let page = secure.get("/t/acme/login").await;
    assert!(page.cookies().all(|cookie| cookie.contains("Secure")));
    assert!(page.cookies().any(|cookie| cookie.starts_with("__Host-portcullis_browser=")));
}

#[rocket::async_test]
async fn no_method_override_and_no_odd_request_is_answered_with_5xx_or_html() {
    let app = TestApp::start().await;
    let urlencoded = ("Content-Type", "application/x-www-form-urlencoded");
    let auth = basic("web", SECRET);
    let body = form(&[("_method", "DELETE"), ("grant_type", "client_credentials")]);
    let reply = app
        .send(Method::Post, "/t/acme/oauth2/token", &[urlencoded, ("Authorization", &auth)], body)
        .await;
    assert!(
        reply.status < 500 && reply.header("content-type").unwrap().starts_with("application/json")
    );
    for path in [
        "/t/acme/oauth2/nothing",
        "/t/acme/auth/nothing",
        "/t//oauth2/token",
        "/t/acme/oauth2/token/",
    ] {
        let reply = app.send(Method::Post, path, &[urlencoded], "a=b").await;
        assert!(reply.status < 500, "{path}");
    }
}

#[rocket::async_test]
async fn every_address_says_which_methods_it_serves_in_the_form_of_its_errors() {
    let app = TestApp::start().await;
    let mut served: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for route in app.client.rocket().routes() {
        let segments = route.uri.path().split('/').map(|segment| match segment {
            "<_>" | "<slug>" => "acme",
            segment if segment.starts_with('<') => "01890a5d-ac96-774b-bcce-b302099a8057",
            segment => segment,
        });
        let path = segments.collect::<Vec<_>>().join("/");
        served.entry(path).or_default().insert(route.method.to_string());
    }
    assert!(served.len() > 50, "{served:?}");
    for (path, methods) in served {
        for method in
            [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete, Method::Trace]
        {
            if methods.contains(method.as_str()) {
                continue;
            }
            let reply = app.send(method, &path, &[], "").await;
            // Another route may have this address too: `new` beside `{id}`.
            if reply.status != 405 {
                assert!(path.ends_with("/new"), "{method} {path}: {reply:?}");
                continue;
            }
            let allowed: BTreeSet<String> =
                reply.header("allow").unwrap().split(", ").map(str::to_owned).collect();
            assert!(methods.is_subset(&allowed), "{path}: {allowed:?}");
            let media_type = reply.header("content-type").unwrap();
            let expected = match path.split('/').nth(1) {
                Some("api") => "application/problem+json",
                Some(".well-known") => "application/json",
                Some("t") if path.contains("/.well-known/") || path.contains("/auth/") => {
                    "application/json"
                }
                Some("t")
                    if path.contains("/oauth2/")
                        && !path.ends_with("authorize")
                        && !path.ends_with("logout") =>
                {
                    "application/json"
                }
                _ => "text/html; charset=utf-8",
            };
            assert_eq!(media_type, expected, "{method} {path}");
        }
    }
}
