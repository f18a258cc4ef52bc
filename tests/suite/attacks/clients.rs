//! K rows: client authentication.

use crate::{
    oauth::client_auth::{Signer, claims, with_assertion},
    support::{SECRET, TestApp, basic},
};

#[rocket::async_test]
async fn k1_two_methods_at_once_are_an_invalid_request() {
    let app = TestApp::start().await;
    let pairs = [("grant_type", "client_credentials"), ("client_id", "web"), ("client_secret", SECRET)];
    app.acme().post_as_web("token", &pairs).await.assert_error(400, "invalid_request");
    let differs = [("grant_type", "client_credentials"), ("client_id", "other")];
    app.acme().post_as_web("token", &differs).await.assert_error(400, "invalid_request");
}

#[rocket::async_test]
async fn k2_no_client_gets_by_with_another_method_than_its_own() {
    let app = TestApp::start().await;
    let as_post = [("grant_type", "client_credentials"), ("client_id", "web"), ("client_secret", SECRET)];
    app.acme().post("token", &as_post).await.assert_error(401, "invalid_client");
    let as_public = [("grant_type", "client_credentials"), ("client_id", "web")];
    app.acme().post("token", &as_public).await.assert_error(401, "invalid_client");
    let as_basic = app
        .acme()
        .post_basic("token", &basic("app", ""), &[("grant_type", "refresh_token"), ("refresh_token", "x")])
        .await;
    as_basic.assert_error(401, "invalid_client");
}

#[rocket::async_test]
async fn k3_an_assertion_is_good_once_on_every_node() {
    let app = TestApp::start().await;
    let signer = Signer::register(&app).await;
    let assertion = signer.sign(&claims(&app, "once"));
    with_assertion(&app, &assertion).await.ok();
    with_assertion(&app, &assertion).await.assert_error(401, "invalid_client");
    let node = app.another_node().await;
    with_assertion(&node, &assertion).await.assert_error(401, "invalid_client");
}

#[rocket::async_test]
async fn k4_an_assertion_must_be_meant_for_the_issuer_alone() {
    let app = TestApp::start().await;
    let signer = Signer::register(&app).await;
    let token_endpoint = format!("{}/oauth2/token", app.acme().issuer());
    for (at, audience) in [
        serde_json::json!(token_endpoint),
        serde_json::json!([app.acme().issuer(), "https://other.example"]),
        serde_json::json!(app.globex().issuer()),
    ]
    .into_iter()
    .enumerate()
    {
        let mut claims = claims(&app, &format!("aud-{at}"));
        claims["aud"] = audience;
        with_assertion(&app, &signer.sign(&claims)).await.assert_error(401, "invalid_client");
    }
}

#[rocket::async_test]
async fn k5_a_grant_that_was_not_registered_is_unauthorized_client() {
    let app = TestApp::start().await;
    let pairs = [("grant_type", "password"), ("username", "ada"), ("password", "x")];
    app.acme().post_as_web("token", &pairs).await.assert_error(400, "unauthorized_client");
}

#[rocket::async_test]
async fn k6_guessing_a_secret_is_slowed_down_and_says_nothing() {
    let app = TestApp::start().await;
    let grant = [("grant_type", "client_credentials")];
    let unknown = app.acme().post_basic("token", &basic("nobody", "x"), &grant).await;
    let wrong = app.acme().post_basic("token", &basic("web", "x"), &grant).await;
    assert_eq!((unknown.status, &unknown.body), (wrong.status, &wrong.body));
    for _ in 0..100 {
        app.acme().post_basic("token", &basic("web", "x"), &grant).await.assert_error(401, "invalid_client");
    }
    let right = app.acme().post_as_web("token", &grant).await;
    right.assert_error(401, "invalid_client");
    assert!(right.header("retry-after").is_some());
    app.clock.advance(60);
    app.acme().post_as_web("token", &grant).await.ok();
}
