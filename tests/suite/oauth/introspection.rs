use crate::support::{SECRET, TestApp};

#[rocket::async_test]
async fn a_good_token_is_told_with_its_claims() {
    let app = TestApp::start().await;
    let tokens = app.acme().sign_in("ada").await;
    let told = app.acme().introspect(&tokens.access).await.ok().json();
    assert_eq!(told["active"], true);
    assert_eq!(told["client_id"], "app");
    assert_eq!(told["token_type"], "Bearer");
    assert!(told["sid"].is_string() && told["exp"].is_i64());
}

#[rocket::async_test]
async fn everything_else_is_inactive_and_nothing_more() {
    let app = TestApp::start().await;
    let tokens = app.acme().sign_in("ada").await;
    let inactive = serde_json::json!({ "active": false });
    for token in ["garbage", "a.b.c", "prt_AAAA", &format!("{}x", tokens.access)] {
        assert_eq!(app.acme().introspect(token).await.ok().json(), inactive, "{token}");
    }
    app.clock.advance(900);
    assert_eq!(app.acme().introspect(&tokens.access).await.json(), inactive);
}

#[rocket::async_test]
async fn a_refresh_token_is_told_to_its_own_client_alone() {
    let app = TestApp::start().await;
    let pairs = [
        ("grant_type", "password"),
        ("username", "ada"),
        ("password", crate::support::PASSWORD),
        ("client_id", "other"),
        ("client_secret", SECRET),
    ];
    let tokens = app.acme().post("token", &pairs).await.tokens();
    let own =
        [("token", tokens.refresh.as_str()), ("client_id", "other"), ("client_secret", SECRET)];
    assert_eq!(app.acme().post("introspect", &own).await.json()["active"], true);
    assert_eq!(app.acme().introspect(&tokens.refresh).await.json()["active"], false);
}

#[rocket::async_test]
async fn a_public_client_may_not_introspect() {
    let app = TestApp::start().await;
    app.acme()
        .post("introspect", &[("token", "x"), ("client_id", "app")])
        .await
        .assert_error(401, "invalid_client");
    app.acme().post_as_web("introspect", &[]).await.assert_error(400, "invalid_request");
}
