use rocket::http::Method;
use serde_json::json;

use crate::support::{PASSWORD, SECRET, TestApp};

#[rocket::async_test]
async fn login_refresh_me_and_logout() {
    let app = TestApp::start().await;
    let acme = app.acme();
    let tokens = acme.sign_in("ada").await;
    let me = acme.bearer(Method::Get, "/auth/me", &tokens.access).await.ok().json();
    assert_eq!(me["preferred_username"], "ada");
    assert_eq!(me["email"], "ada@acme.example");
    let next = acme.bearer(Method::Post, "/auth/refresh", &tokens.refresh).await.tokens();
    assert_ne!(next.refresh, tokens.refresh);
    let out = acme.bearer(Method::Post, "/auth/logout", &next.access).await;
    assert_eq!(out.status, 204);
    for access in [&tokens.access, &next.access] {
        let refused = acme.bearer(Method::Get, "/auth/me", access).await;
        refused.assert_error(401, "invalid_token");
        assert!(refused.header("www-authenticate").unwrap().contains("error=\"invalid_token\""));
    }
    acme.bearer(Method::Post, "/auth/refresh", &next.refresh)
        .await
        .assert_error(403, "invalid_grant");
}

#[rocket::async_test]
async fn bad_credentials_are_401_and_bad_requests_400() {
    let app = TestApp::start().await;
    let acme = app.acme();
    let login = |body| acme.post_json("/auth/login", body);
    login(json!({ "username": "ada", "password": "wrong password", "client_id": "app" }))
        .await
        .assert_error(401, "invalid_grant");
    // A confidential client, one without the grant, and one that is not there: told what is wrong, and alike.
    let mut told = std::collections::BTreeSet::new();
    for client in ["web", "other", "nobody"] {
        let refused =
            login(json!({ "username": "ada", "password": PASSWORD, "client_id": client })).await;
        refused.assert_error(400, "unauthorized_client");
        told.insert(refused.body);
    }
    assert_eq!(told.len(), 1, "{told:?}");
    login(json!({ "username": "ada" })).await.assert_error(400, "invalid_request");
    login(json!({ "username": ["ada"], "password": 1, "client_id": "app" }))
        .await
        .assert_error(400, "invalid_request");
    login(json!([])).await.assert_error(400, "invalid_request");
    let path = app.acme().path("/auth/login");
    let json_type = ("Content-Type", "application/json");
    app.send(Method::Post, &path, &[json_type], "{").await.assert_error(400, "invalid_request");
    app.send(Method::Post, &path, &[("Content-Type", "text/plain")], "{}")
        .await
        .assert_error(400, "invalid_request");
    app.send(Method::Get, &path, &[], "").await.assert_error(405, "invalid_request");
}

#[rocket::async_test]
async fn a_confidential_clients_refresh_token_is_refused_where_no_client_proves_itself() {
    let app = TestApp::start().await;
    let pairs = [
        ("grant_type", "password"),
        ("username", "ada"),
        ("password", PASSWORD),
        ("client_id", "other"),
        ("client_secret", SECRET),
    ];
    let tokens = app.acme().post("token", &pairs).await.tokens();
    app.acme()
        .bearer(Method::Post, "/auth/refresh", &tokens.refresh)
        .await
        .assert_error(403, "invalid_grant");
    let refresh = [
        ("grant_type", "refresh_token"),
        ("client_id", "other"),
        ("client_secret", SECRET),
        ("refresh_token", tokens.refresh.as_str()),
    ];
    app.acme().post("token", &refresh).await.ok();
}

#[rocket::async_test]
async fn tokens_in_each_others_place_are_refused() {
    let app = TestApp::start().await;
    let tokens = app.acme().sign_in("ada").await;
    app.acme()
        .bearer(Method::Post, "/auth/refresh", &tokens.access)
        .await
        .assert_error(403, "invalid_grant");
    app.acme()
        .bearer(Method::Get, "/auth/me", &tokens.refresh)
        .await
        .assert_error(401, "invalid_token");
    app.acme()
        .bearer(Method::Get, "/auth/me", tokens.id.as_deref().unwrap())
        .await
        .assert_error(401, "invalid_token");
    app.send(Method::Post, "/t/acme/auth/refresh", &[], "")
        .await
        .assert_error(403, "invalid_grant");
    app.send(Method::Post, "/t/acme/auth/logout", &[], "").await.assert_error(401, "invalid_token");
}
