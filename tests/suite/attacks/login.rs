//! B, L and M rows: signing in and out, and the console.

use rocket::{futures::future::join_all, http::Method};
use serde_json::{Value, json};

use crate::support::{Agent, PASSWORD, TestApp, form};

async fn guess(app: &TestApp, username: &str, password: &str) -> crate::support::Reply {
    let body = json!({ "username": username, "password": password, "client_id": "app" });
    app.acme().post_json("/auth/login", body).await
}

#[rocket::async_test]
async fn b1_of_a_hundred_guesses_at_once_no_more_than_the_limit_are_evaluated() {
    let app = TestApp::start().await;
    join_all((0..100).map(|_| guess(&app, "ada", "a wrong guess"))).await;
    let trail = app.audit("acme").await;
    let evaluated = trail.iter().filter(|(_, reason)| reason == "wrong password").count();
    assert!(evaluated <= 20, "{evaluated}");
    // Others at the same address sign in as before.
    app.acme().sign_in("grace").await;
    // A slow machine may have evaluated fewer.
    for _ in evaluated..20 {
        guess(&app, "ada", "a wrong guess").await;
    }
    let right = guess(&app, "ada", PASSWORD).await;
    right.assert_error(401, "invalid_grant");
    assert!(right.header("retry-after").is_some());
}

#[rocket::async_test]
async fn b2_strangers_cannot_lock_a_user_out_of_a_browser_that_knows_them() {
    let app = TestApp::start().await;
    let mut known = Agent::new(&app);
    known.log_in(app.acme(), "ada").await.location();
    for _ in 0..25 {
        guess(&app, "ada", "a wrong guess").await;
    }
    let mut stranger = Agent::new(&app);
    assert_eq!(stranger.log_in(app.acme(), "ada").await.status, 429);
    known.cookies.remove("portcullis_session");
    assert_eq!(known.log_in(app.acme(), "ada").await.status, 303);
    // And the delay is a delay.
    app.clock.advance(600);
    assert_eq!(stranger.log_in(app.acme(), "ada").await.status, 303);
}

#[rocket::async_test]
async fn b3_an_unknown_user_and_a_wrong_password_read_alike() {
    let app = TestApp::start().await;
    let (unknown, wrong) =
        (guess(&app, "nobody", PASSWORD).await, guess(&app, "ada", "a wrong guess").await);
    assert_eq!((unknown.status, &unknown.body), (wrong.status, &wrong.body));
    let page = |username: &'static str| {
        let app = &app;
        async move {
            let mut agent = Agent::new(app);
            let csrf = agent.get("/t/acme/login").await.hidden("csrf_token");
            let fields = [
                ("csrf_token", csrf.as_str()),
                ("username", username),
                ("password", "a wrong guess"),
            ];
            let reply = agent.post("/t/acme/login", &fields).await;
            (reply.status, reply.body.replace(username, "NAME").replace(&csrf, "TOKEN"))
        }
    };
    assert_eq!(page("nobody").await, page("ada").await);
}

#[rocket::async_test]
async fn l1_an_unregistered_address_after_logout_gets_a_page_and_the_session_has_ended() {
    let app = TestApp::start().await;
    let acme = app.acme();
    let mut agent = Agent::new(&app);
    agent.log_in(acme, "ada").await;
    let code = agent.authorize(&acme.authorization("app", &[])).await.callback()["code"].clone();
    let tokens = acme.redeem(&code).await.tokens();
    let query = form(&[
        ("id_token_hint", tokens.id.as_deref().unwrap()),
        ("post_logout_redirect_uri", "https://evil.example/"),
    ]);
    agent.get(&acme.path(&format!("/oauth2/logout?{query}"))).await.assert_page();
    assert!(!acme.is_active(&tokens.access).await);
}

#[rocket::async_test]
async fn l2_a_logout_that_nothing_proves_is_asked_about() {
    let app = TestApp::start().await;
    let mut agent = Agent::new(&app);
    agent.log_in(app.acme(), "ada").await;
    let asked = agent.get("/t/acme/oauth2/logout").await.ok();
    assert!(asked.body.contains("Sign out?"));
    agent
        .post("/t/acme/oauth2/logout", &[("confirmed", "yes"), ("csrf_token", "forged")])
        .await
        .ok();
    agent.get("/t/acme/account").await.ok();
    let other = app.acme().sign_in("grace").await;
    let query = form(&[("id_token_hint", other.id.as_deref().unwrap())]);
    let asked = agent.get(&app.acme().path(&format!("/oauth2/logout?{query}"))).await.ok();
    assert!(asked.body.contains("Sign out?"), "an ID token of another session proves nothing");
    // The page's policy names a registered address and no other.
    for (uri, named) in [
        ("https://app.example/", true),
        ("https://evil.example/", false),
        ("javascript:alert(1)", false),
    ] {
        let query = form(&[("client_id", "web"), ("post_logout_redirect_uri", uri)]);
        let page = agent.get(&app.acme().path(&format!("/oauth2/logout?{query}"))).await.ok();
        let policy = page.header("content-security-policy").unwrap();
        // Where a registered address leads on to is its client's own matter.
        assert_eq!(policy.contains("form-action 'self';"), !named, "{policy}");
    }
}

#[rocket::async_test]
async fn m1_the_console_refuses_forged_forms_and_a_login_brings_a_new_cookie() {
    let app = TestApp::start().await;
    let mut agent = Agent::new(&app);
    agent.log_in_to_console("system", "root").await;
    let first = agent.cookies["portcullis_console"].clone();
    let fields = [("csrf_token", "forged"), ("slug", "evil"), ("name", "x")];
    assert_eq!(agent.post("/admin/tenants", &fields).await.status, 403);
    let csrf = agent.get("/admin/new-tenant").await.hidden("csrf_token");
    let fields = [("csrf_token", csrf.as_str()), ("slug", "evil"), ("name", "x")];
    assert_eq!(agent.post_cross_site("/admin/tenants", &fields).await.status, 403);
    assert_eq!(app.get("/t/evil/oauth2/jwks").await.status, 404);
    agent.log_in_to_console("system", "root").await;
    assert_ne!(first, agent.cookies["portcullis_console"]);
    let mut old = Agent::new(&app);
    old.cookies.insert("portcullis_console".into(), first);
    assert_eq!(old.get("/admin/tenants").await.location(), "/admin/login");
    let mut user = Agent::new(&app);
    user.log_in(app.acme(), "ada").await;
    let before = user.cookies["portcullis_session"].clone();
    user.log_in(app.acme(), "ada").await;
    assert_ne!(before, user.cookies["portcullis_session"]);
    // A session of the login page is none of the console.
    let session = user.cookies["portcullis_session"].clone();
    user.cookies.insert("portcullis_console".into(), format!("acme.{session}"));
    assert_eq!(user.get("/admin").await.location(), "/admin/login");
}

#[rocket::async_test]
async fn m2_a_tenant_administrator_makes_no_operator() {
    let app = TestApp::start().await;
    let pairs = [
        ("grant_type", "password"),
        ("client_id", "app"),
        ("username", "grace"),
        ("password", PASSWORD),
        ("scope", "admin"),
    ];
    let grace = app.acme().post("token", &pairs).await.tokens().access;
    let roles = json!({ "username": "evil", "roles": ["operator"] });
    let reply = app.api_as(&grace, Method::Post, "/tenants/acme/users", roles.clone()).await;
    reply.assert_problem(403);
    app.api_as(&grace, Method::Post, "/tenants/system/users", roles).await.assert_problem(404);
    let users = app
        .api_as(&grace, Method::Get, "/tenants/acme/users?q=grace", Value::Null)
        .await
        .ok()
        .json();
    let path = format!("/tenants/acme/users/{}", users["items"][0]["id"].as_str().unwrap());
    app.api_as(&grace, Method::Patch, &path, json!({ "roles": ["operator"] }))
        .await
        .assert_problem(403);
    app.api_as(&grace, Method::Post, "/tenants", json!({ "slug": "evil" }))
        .await
        .assert_problem(403);
    // An operator's own tenant has users who are none.
    app.apply("tenants: [{ slug: system, settings: { password_bcrypt_cost: 10 }, users: [{ username: helper, password: a helpers password, roles: [tenant_admin] }] }]").await;
    let mut agent = Agent::new(&app);
    let page = agent.get("/admin/login").await.ok();
    let fields = [
        ("csrf_token", page.hidden("csrf_token")),
        ("tenant", "system".to_owned()),
        ("username", "helper".to_owned()),
        ("password", "a helpers password".to_owned()),
    ];
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    agent.post("/admin/login", &fields).await.location();
    assert_eq!(agent.get("/admin/tenants").await.status, 403);
    assert_eq!(agent.get("/admin/tenants/acme").await.status, 404);
    let forbidden = agent
        .console(
            "/admin/tenants/system/users",
            &[("username", "evil"), ("role_operator", "on"), ("active", "on")],
        )
        .await;
    assert_eq!(forbidden.status, 403);
}

#[rocket::async_test]
async fn m3_x2_names_and_programs_are_escaped_in_the_console() {
    let app = TestApp::start().await;
    let script = "<script>alert(1)</script>";
    app.api(Method::Post, "/tenants/acme/users", json!({ "username": script, "name": script }))
        .await
        .ok();
    let client = json!({ "client_id": "x", "client_name": script, "grant_types": [] });
    app.api(Method::Post, "/tenants/acme/clients", client).await.ok();
    let body = json!({ "username": "ada", "password": PASSWORD, "client_id": "app" }).to_string();
    let headers = [("Content-Type", "application/json"), ("User-Agent", script)];
    app.send(Method::Post, "/t/acme/auth/login", &headers, body).await.ok();
    guess(&app, script, script).await;
    let mut agent = Agent::new(&app);
    agent.log_in_to_console("acme", "grace").await;
    for page in ["users", "clients", "sessions", "audit", "clients/x"] {
        let page = agent.get(&format!("/admin/tenants/acme/{page}")).await.ok();
        assert!(!page.body.contains("<script>alert"), "{}", page.body);
    }
}

#[rocket::async_test]
async fn m4_a_cursor_is_data() {
    let app = TestApp::start().await;
    for after in ["'%3B%20DROP%20TABLE%20users--", "%00", "%25", "x'"] {
        for list in ["users", "clients", "sessions", "audit"] {
            let reply = app
                .api(Method::Get, &format!("/tenants/acme/{list}?after={after}"), Value::Null)
                .await;
            assert!(
                matches!(reply.status, 200 | 400),
                "{list} {after}: {} {}",
                reply.status,
                reply.body
            );
        }
    }
    app.acme().sign_in("ada").await;
}

#[rocket::async_test]
async fn m5_no_answer_bears_a_private_key_or_a_stored_secret() {
    let app = TestApp::start().await;
    for path in
        ["/tenants/acme/keys", "/tenants/acme/clients/web", "/tenants/acme/users", "/tenants/acme"]
    {
        let body = app.api(Method::Get, path, Value::Null).await.ok().body;
        for word in ["sealed", "\"d\"", "digest", "password_hash", "$2b$", crate::support::SECRET] {
            assert!(!body.contains(word), "{path} bears {word}");
        }
    }
}

#[rocket::async_test]
async fn m6_m7_there_is_no_setup_page_and_no_way_around_the_paths() {
    let app = TestApp::start().await;
    for path in [
        "/setup",
        "/admin/setup",
        "/install",
        "/x/../admin/tenants",
        "/t/acme/../../admin/tenants",
        "/%61dmin/tenants",
    ] {
        let reply = app.get(path).await;
        assert!(
            reply.status == 404 || reply.header("location") == Some("/admin/login"),
            "{path}: {}",
            reply.status
        );
    }
}
