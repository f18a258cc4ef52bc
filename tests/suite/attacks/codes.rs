//! C rows: authorization codes.

use rocket::futures::future::join_all;

use crate::support::{SECRET, TestApp};

#[rocket::async_test]
async fn c1_a_code_used_again_ends_what_it_gave() {
    let app = TestApp::start().await;
    let code = app.acme().code("app", "ada").await;
    let tokens = app.acme().redeem(&code).await.tokens();
    app.acme().redeem(&code).await.assert_error(400, "invalid_grant");
    assert!(!app.acme().is_active(&tokens.access).await);
    app.acme().refresh(&tokens.refresh).await.assert_error(400, "invalid_grant");
    assert!(app.audited("acme", "code.reuse").await);
}

#[rocket::async_test]
async fn c2_of_a_hundred_redemptions_at_once_one_succeeds() {
    let app = TestApp::start().await;
    // A client without refresh tokens: no family's key stands in for the code's own guard.
    let patch = serde_json::json!({ "grant_types": ["authorization_code"] });
    app.api(rocket::http::Method::Patch, "/tenants/acme/clients/app", patch).await.ok();
    let code = app.acme().code("app", "ada").await;
    let acme = app.acme();
    let replies = join_all((0..100).map(|_| acme.redeem(&code))).await;
    let good = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(good, 1);
    for reply in replies.iter().filter(|reply| reply.status != 200) {
        // The pool may be spent for a moment; nothing else may be said than that.
        assert!(matches!(reply.status, 400 | 503), "{} {}", reply.status, reply.body);
    }
}

#[rocket::async_test]
async fn c3_another_client_or_a_late_one_gets_nothing_and_harms_nothing() {
    let app = TestApp::start().await;
    let code = app.acme().code("app", "ada").await;
    let mut pairs = app.acme().redemption(&code).to_vec();
    pairs[1].1 = "other";
    pairs.push(("client_secret", SECRET));
    app.acme().post("token", &pairs).await.assert_error(400, "invalid_grant");
    let tokens = app.acme().redeem(&code).await.tokens();
    app.acme().post("token", &pairs).await.assert_error(400, "invalid_grant");
    assert!(app.acme().is_active(&tokens.access).await);
}

#[rocket::async_test]
async fn c4_a_code_lives_a_minute() {
    let app = TestApp::start().await;
    let (code, late) = (app.acme().code("app", "ada").await, app.acme().code("app", "ada").await);
    app.clock.advance(59);
    app.acme().redeem(&code).await.ok();
    app.clock.advance(1);
    app.acme().redeem(&late).await.assert_error(400, "invalid_grant");
}

#[rocket::async_test]
async fn v3_a_session_that_ended_after_the_code_was_made_gives_nothing() {
    let app = TestApp::start().await;
    let code = app.acme().code("app", "ada").await;
    app.api(rocket::http::Method::Post, "/tenants/acme/logout", serde_json::Value::Null).await.ok();
    app.acme().redeem(&code).await.assert_error(400, "invalid_grant");
}
