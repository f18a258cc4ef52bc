use crate::support::TestApp;

#[rocket::async_test]
async fn revoking_a_refresh_token_ends_its_family_and_its_access_tokens() {
    let app = TestApp::start().await;
    let tokens = app.acme().sign_in("ada").await;
    let other = app.acme().sign_in("ada").await;
    app.acme().post("revoke", &[("token", &tokens.refresh), ("client_id", "app")]).await.ok();
    app.acme().refresh(&tokens.refresh).await.assert_error(400, "invalid_grant");
    assert!(!app.acme().is_active(&tokens.access).await);
    assert!(app.acme().is_active(&other.access).await);
}

#[rocket::async_test]
async fn revoking_an_access_token_ends_it_alone() {
    let app = TestApp::start().await;
    let tokens = app.acme().sign_in("ada").await;
    let pairs = [
        ("token", tokens.access.as_str()),
        ("token_type_hint", "access_token"),
        ("client_id", "app"),
    ];
    app.acme().post("revoke", &pairs).await.ok();
    assert!(!app.acme().is_active(&tokens.access).await);
    app.acme().refresh(&tokens.refresh).await.ok();
}

#[rocket::async_test]
async fn what_is_no_good_token_is_no_error_and_anothers_is() {
    let app = TestApp::start().await;
    app.acme().post("revoke", &[("token", "garbage"), ("client_id", "app")]).await.ok();
    let tokens = app.acme().sign_in("ada").await;
    app.acme()
        .post_as_web("revoke", &[("token", &tokens.access)])
        .await
        .assert_error(400, "invalid_grant");
    app.acme()
        .post_as_web("revoke", &[("token", &tokens.refresh)])
        .await
        .assert_error(400, "invalid_grant");
    assert!(app.acme().is_active(&tokens.access).await);
    app.acme().refresh(&tokens.refresh).await.ok();
    app.acme().post("revoke", &[("token", "x")]).await.assert_error(401, "invalid_client");
    app.acme().post("revoke", &[("client_id", "app")]).await.assert_error(400, "invalid_request");
}
