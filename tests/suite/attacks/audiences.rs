//! Row O8: a token is for whom it names, of one kind, and opens what its scope says.

use rocket::http::Method::{Delete, Get, Patch, Post};
use serde_json::{Value, json};

use crate::support::{Agent, PASSWORD, Reply, SECRET, TestApp, VERIFIER, basic};

/// A third party, which asks its users and was allowed `scope` by ada.
async fn third_party(app: &TestApp, scope: &str) -> crate::support::Tokens {
    let client = json!({
        "client_id": "third", "token_endpoint_auth_method": "none", "redirect_uris": [crate::support::CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"], "scope": "openid profile email reports.read",
    });
    app.api(Post, "/tenants/acme/clients", client).await;
    let mut agent = Agent::new(app);
    agent.log_in(app.acme(), "ada").await;
    let answer = agent.authorize(&app.acme().authorization("third", &[("scope", scope)])).await;
    redeemed(app, &answer.callback()["code"]).await
}

async fn redeemed(app: &TestApp, code: &str) -> crate::support::Tokens {
    let pairs = [
        ("grant_type", "authorization_code"),
        ("client_id", "third"),
        ("code", code),
        ("redirect_uri", crate::support::CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    app.acme().post("token", &pairs).await.tokens()
}

#[rocket::async_test]
async fn o8_a_third_party_for_another_api_reads_and_ends_nothing_of_the_user() {
    let app = TestApp::start().await;
    let acme = app.acme();
    let tokens = third_party(&app, "reports.read").await;
    for (method, path) in [
        (Get, "/auth/me"),
        (Post, "/auth/logout"),
        (Get, "/oauth2/userinfo"),
        (Post, "/oauth2/userinfo"),
    ] {
        let reply = acme.bearer(method, path, &tokens.access).await;
        assert!(matches!(reply.status, 401 | 403), "{path}: {} {}", reply.status, reply.body);
    }
    app.api_as(&tokens.access, Get, "/tenants/acme", Value::Null).await.assert_problem(403);
    assert!(acme.is_active(&tokens.access).await, "nothing of it ended");
}

#[rocket::async_test]
async fn o8_a_third_party_that_knows_who_the_user_is_reads_what_was_allowed_and_ends_its_own_grant()
{
    let app = TestApp::start().await;
    let acme = app.acme();
    let own = acme.sign_in("ada").await;
    let mut agent = Agent::new(&app);
    agent.log_in(acme, "ada").await;
    let tokens = third_party(&app, "openid email").await;
    let me = acme.bearer(Get, "/auth/me", &tokens.access).await.ok().json();
    assert_eq!(me["email"], "ada@acme.example");
    assert!(
        me.get("roles").is_none()
            && me.get("name").is_none()
            && me.get("preferred_username").is_none(),
        "{me}"
    );
    assert_eq!(acme.bearer(Post, "/auth/logout", &tokens.access).await.status, 204);
    assert!(!acme.is_active(&tokens.access).await);
    assert!(acme.is_active(&own.access).await);
    agent.get("/t/acme/account").await.ok();
    // The session through which it was granted goes on: another grant comes of it without a password.
    let sessions =
        app.api(Get, "/tenants/acme/sessions?user=ada&active=true", Value::Null).await.json();
    assert_eq!(sessions["items"].as_array().unwrap().len(), 3, "{sessions}");
}

#[rocket::async_test]
async fn o8_only_an_access_token_of_a_user_is_one_at_the_json_sign_in() {
    let app = TestApp::start().await;
    let acme = app.acme();
    let pairs = [("grant_type", "client_credentials"), ("scope", "admin")];
    let robot = acme.post_basic("token", &basic("robot", SECRET), &pairs).await.tokens();
    let own = acme.sign_in("ada").await;
    for token in [&robot.access, &own.refresh, own.id.as_ref().unwrap()] {
        for (method, path) in [(Get, "/auth/me"), (Post, "/auth/logout"), (Get, "/oauth2/userinfo")]
        {
            let reply = acme.bearer(method, path, token).await;
            assert!(matches!(reply.status, 401 | 403), "{path}: {} {}", reply.status, reply.body);
        }
    }
    for token in [&own.access, own.id.as_ref().unwrap()] {
        acme.bearer(Post, "/auth/refresh", token).await.assert_error(403, "invalid_grant");
    }
}

fn login(client_id: &str) -> Value {
    json!({ "username": "ada", "password": PASSWORD, "client_id": client_id })
}

#[rocket::async_test]
async fn the_json_sign_in_serves_public_clients_and_refreshes_for_those_that_may() {
    let app = TestApp::start().await;
    let acme = app.acme();
    // `other` takes passwords, but must show its secret, which this address does not ask for.
    acme.post_json("/auth/login", login("other")).await.assert_error(400, "unauthorized_client");
    let tokens = acme.sign_in("ada").await;
    let grants = json!({ "grant_types": ["authorization_code", "password"] });
    app.api(Patch, "/tenants/acme/clients/app", grants).await.ok();
    acme.bearer(Post, "/auth/refresh", &tokens.refresh).await.assert_error(403, "invalid_grant");
    let told = acme.post_json("/auth/login", login("app")).await.ok().json();
    assert!(told.get("refresh_token").is_none(), "{told}");
}

#[rocket::async_test]
async fn o8_an_audience_is_named_only_with_a_scope_of_it() {
    let app = TestApp::start().await;
    let acme = app.acme();
    let resource = ("resource", "https://api.acme.example");
    let robot = basic("robot", SECRET);
    let grant = ("grant_type", "client_credentials");
    acme.post_basic("token", &robot, &[grant, resource, ("scope", "admin:read")])
        .await
        .assert_error(400, "invalid_target");
    acme.post_basic("token", &robot, &[grant, resource, ("scope", "reports.read")]).await.ok();
    let password = [
        ("grant_type", "password"),
        ("client_id", "app"),
        ("username", "ada"),
        ("password", PASSWORD),
    ];
    let pairs = [password.as_slice(), &[("scope", "openid"), resource]].concat();
    acme.post("token", &pairs).await.assert_error(400, "invalid_target");
    let mut agent = Agent::new(&app);
    agent.log_in(acme, "ada").await;
    let query = acme.authorization("app", &[("scope", "openid"), resource]);
    agent.get(&query).await.assert_redirected_error("invalid_target");
    // Nor does it stay in the audience once a refresh has left its scopes out.
    let pairs = [password.as_slice(), &[("scope", "openid reports.read"), resource]].concat();
    let tokens = acme.post("token", &pairs).await.tokens();
    let pairs = [
        ("grant_type", "refresh_token"),
        ("client_id", "app"),
        ("refresh_token", &*tokens.refresh),
    ];
    let narrowed =
        acme.post("token", &[pairs.as_slice(), &[("scope", "openid")]].concat()).await.tokens();
    let told = acme.introspect(&narrowed.access).await.json();
    assert_eq!(told["aud"], acme.issuer(), "{told}");
}

#[rocket::async_test]
async fn a_client_identifier_is_no_users_and_no_other_address() {
    let app = TestApp::start().await;
    let user =
        app.api(Get, "/tenants/acme/users?q=ada", Value::Null).await.json()["items"][0]["id"]
            .clone();
    let user = user.as_str().unwrap().to_owned();
    let simple = user.replace('-', "");
    for id in [".", "..", "...", &user, &user.to_uppercase(), &simple] {
        let client = json!({ "client_id": id, "grant_types": ["client_credentials"], "scope": "reports.read" });
        let refused = app.api(Post, "/tenants/acme/clients", client).await;
        refused.assert_problem(400);
        assert_eq!(refused.json()["field"], "client_id", "{id}");
        let mut agent = Agent::new(&app);
        agent.log_in_to_console("acme", "grace").await;
        let fields = [("client_id", id), ("token_endpoint_auth_method", "none")];
        assert_eq!(agent.console("/admin/tenants/acme/clients", &fields).await.status, 400, "{id}");
    }
    let made =
        app.api(Post, "/tenants/acme/clients", json!({ "grant_types": [] })).await.ok().json();
    assert!(!portcullis_accepts_as_user(made["client_id"].as_str().unwrap()));
    for path in
        ["/tenants/acme/clients/..", "/tenants/acme/clients/%2e%2e", "/tenants/acme/clients/."]
    {
        let reply = app.api(Delete, path, Value::Null).await;
        assert!(matches!(reply.status, 400 | 404), "{path}: {} {}", reply.status, reply.body);
    }
    app.api(Get, "/tenants/acme", Value::Null).await.ok();
    assert_eq!(app.get("/t/acme/oauth2/jwks").await.status, 200);
}

fn portcullis_accepts_as_user(text: &str) -> bool {
    text.parse::<portcullis::domain::UserId>().is_ok()
}

#[rocket::async_test]
async fn names_and_addresses_are_one_key_space() {
    let app = TestApp::start().await;
    let taken = |reply: Reply| {
        reply.assert_problem(409);
    };
    let users = "/tenants/acme/users";
    taken(
        app.api(Post, users, json!({ "username": "ADA@acme.example", "password": PASSWORD })).await,
    );
    let own = json!({ "username": "eve@acme.example", "email": "eve@acme.example", "password": PASSWORD });
    let eve = app.api(Post, users, own).await.ok().json();
    taken(
        app.api(Post, users, json!({ "username": "mallory", "email": "Eve@acme.example" })).await,
    );
    let path = format!("{users}/{}", eve["id"].as_str().unwrap());
    taken(app.api(Patch, &path, json!({ "username": "grace@acme.example" })).await);
    taken(app.api(Patch, &path, json!({ "email": "ada@acme.example" })).await);
    app.api(Patch, &path, json!({ "name": "Eve" })).await.ok();
    // Of two that come at once one is first, whichever way each asks for it.
    let by_name =
        app.api(Post, users, json!({ "username": "x@acme.example", "password": PASSWORD }));
    let by_address = app.api(Post, users, json!({ "username": "x", "email": "x@acme.example" }));
    let (by_name, by_address) = rocket::tokio::join!(by_name, by_address);
    assert_eq!(
        [by_name.status, by_address.status].iter().filter(|status| **status == 201).count(),
        1
    );
}

#[rocket::async_test]
async fn a_secret_that_was_given_up_does_not_count_again() {
    let app = TestApp::start().await;
    let client = "/tenants/acme/clients/web";
    let grant = [("grant_type", "client_credentials")];
    app.acme().post_as_web("token", &grant).await.ok();
    let public =
        json!({ "token_endpoint_auth_method": "none", "grant_types": ["authorization_code"] });
    app.api(Patch, client, public).await.ok();
    let back = json!({
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code", "client_credentials"],
    });
    app.api(Patch, client, back).await.ok();
    app.acme().post_as_web("token", &grant).await.assert_error(401, "invalid_client");
    assert_eq!(app.api(Get, client, Value::Null).await.json()["secrets"], json!([]));
}

#[rocket::async_test]
async fn a_request_that_means_one_user_is_not_answered_for_another() {
    let app = TestApp::start().await;
    let acme = app.acme();
    let hint = acme.sign_in("ada").await.id.unwrap();
    let mut agent = Agent::new(&app);
    agent.log_in(acme, "grace").await;
    let silent = [("prompt", "none"), ("id_token_hint", hint.as_str())];
    agent.get(&acme.authorization("app", &silent)).await.assert_redirected_error("login_required");
    // Without `none` the user is asked to sign in, and nobody else may.
    let shown = agent.get(&acme.authorization("app", &[("id_token_hint", &hint)])).await.location();
    assert!(shown.starts_with("/t/acme/login?"), "{shown}");
    let page = agent.get(&shown).await.ok();
    let (csrf, request) = (page.hidden("csrf_token"), page.hidden("request"));
    for (username, status) in [("grace", 403), ("ada", 303)] {
        let fields = [
            ("csrf_token", &*csrf),
            ("request", &*request),
            ("username", username),
            ("password", PASSWORD),
        ];
        assert_eq!(agent.post("/t/acme/login", &fields).await.status, status, "{username}");
    }
    assert!(agent.get(&acme.authorization("app", &silent)).await.callback().contains_key("code"));
    // A text that is no ID token of ours is told so, and another tenant's is none of ours.
    let other = app.globex().sign_in("ada").await.id.unwrap();
    for wrong in ["nonsense", other.as_str()] {
        let query = acme.authorization("app", &[("id_token_hint", wrong)]);
        agent.get(&query).await.assert_redirected_error("invalid_request");
    }
}

#[rocket::async_test]
async fn an_id_token_without_a_browser_ends_its_own_clients_grant_alone() {
    let app = TestApp::start().await;
    let acme = app.acme();
    let third = third_party(&app, "openid").await;
    let mut stranger = Agent::new(&app);
    let hint = crate::support::form(&[("id_token_hint", third.id.as_deref().unwrap())]);
    stranger.get(&format!("/t/acme/oauth2/logout?{hint}")).await.ok();
    assert!(!acme.is_active(&third.access).await);
    let sessions =
        app.api(Get, "/tenants/acme/sessions?user=ada&active=true", Value::Null).await.json();
    assert_eq!(sessions["items"].as_array().unwrap().len(), 1, "{sessions}");
}

#[rocket::async_test]
async fn a_hint_whose_key_is_gone_asks_the_user() {
    let app = TestApp::start().await;
    let mut agent = Agent::new(&app);
    agent.log_in(app.acme(), "ada").await;
    let code =
        agent.authorize(&app.acme().authorization("app", &[])).await.callback()["code"].clone();
    let id = app.acme().redeem(&code).await.tokens().id.unwrap();
    let keys = app.api(Get, "/tenants/acme/keys", Value::Null).await.json();
    let active = keys["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["state"] == "active")
        .unwrap()["kid"]
        .clone();
    app.api(
        Post,
        &format!("/tenants/acme/keys/{}/withdraw", active.as_str().unwrap()),
        Value::Null,
    )
    .await
    .ok();
    let hint = crate::support::form(&[("id_token_hint", id.as_str())]);
    let page = agent.get(&format!("/t/acme/oauth2/logout?{hint}")).await.ok();
    assert!(page.body.contains("name=\"confirmed\""), "{}", page.body);
}
