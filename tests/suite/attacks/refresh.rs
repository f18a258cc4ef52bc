//! F rows: refresh tokens.

use rocket::{futures::future::join_all, http::Method};
use serde_json::{Value, json};

use crate::support::{SECRET, TestApp};

#[rocket::async_test]
async fn f1_an_old_token_after_the_grace_ends_its_family_and_its_access_tokens() {
    let app = TestApp::start().await;
    let first = app.acme().sign_in("ada").await;
    let second = app.acme().refresh(&first.refresh).await.tokens();
    app.age_rotations("acme", 11).await;
    app.acme().refresh(&first.refresh).await.assert_error(400, "invalid_grant");
    app.acme().refresh(&second.refresh).await.assert_error(400, "invalid_grant");
    assert!(!app.acme().is_active(&first.access).await);
    assert!(!app.acme().is_active(&second.access).await);
    assert!(app.audited("acme", "refresh.reuse").await);
}

#[rocket::async_test]
async fn f1_an_older_token_than_the_last_is_reuse_even_inside_the_grace() {
    let app = TestApp::start().await;
    let first = app.acme().sign_in("ada").await;
    let second = app.acme().refresh(&first.refresh).await.tokens();
    let third = app.acme().refresh(&second.refresh).await.tokens();
    app.acme().refresh(&first.refresh).await.assert_error(400, "invalid_grant");
    app.acme().refresh(&third.refresh).await.assert_error(400, "invalid_grant");
}

#[rocket::async_test]
async fn f1_without_a_grace_each_token_is_good_once() {
    let app = TestApp::start().await;
    app.api(Method::Patch, "/tenants/acme", json!({ "settings": { "refresh_reuse_grace": 0 } }))
        .await
        .ok();
    let first = app.acme().sign_in("ada").await;
    app.acme().refresh(&first.refresh).await.ok();
    app.acme().refresh(&first.refresh).await.assert_error(400, "invalid_grant");
}

#[rocket::async_test]
async fn f2_parallel_refreshes_get_one_successor() {
    let app = TestApp::start().await;
    let tokens = app.acme().sign_in("ada").await;
    let acme = app.acme();
    let replies = join_all((0..50).map(|_| acme.refresh(&tokens.refresh))).await;
    let mut successors: Vec<String> = replies
        .into_iter()
        .filter(|reply| reply.status == 200)
        .map(|reply| reply.tokens().refresh)
        .collect();
    assert!(!successors.is_empty());
    successors.dedup();
    assert_eq!(successors.len(), 1);
    app.acme().refresh(&successors[0]).await.ok();
}

#[rocket::async_test]
async fn f3_a_replay_after_a_restart_is_still_a_replay() {
    let app = TestApp::start().await;
    let first = app.acme().sign_in("ada").await;
    let second = app.acme().refresh(&first.refresh).await.tokens();
    app.age_rotations("acme", 60).await;
    let restarted = app.another_node().await;
    restarted.acme().refresh(&first.refresh).await.assert_error(400, "invalid_grant");
    restarted.acme().refresh(&second.refresh).await.assert_error(400, "invalid_grant");
    assert!(!restarted.acme().is_active(&second.access).await);
}

#[rocket::async_test]
async fn f4_a_disabled_user_refreshes_nothing_and_has_no_session() {
    let app = TestApp::start().await;
    let tokens = app.acme().sign_in("ada").await;
    let users = app.api(Method::Get, "/tenants/acme/users?q=ada", Value::Null).await.json();
    let path = format!("/tenants/acme/users/{}", users["items"][0]["id"].as_str().unwrap());
    app.api(Method::Patch, &path, json!({ "status": "disabled" })).await.ok();
    app.acme().refresh(&tokens.refresh).await.assert_error(400, "invalid_grant");
    let live = app.api(Method::Get, "/tenants/acme/sessions?active=true", Value::Null).await.json();
    assert_eq!(live["items"], json!([]));
    assert!(!app.acme().is_active(&tokens.access).await);
}

#[rocket::async_test]
async fn f5_a_scope_is_not_widened_and_the_token_is_not_used_up_by_the_try() {
    let app = TestApp::start().await;
    let code = app.acme().code("app", "ada").await;
    let tokens = app.acme().redeem(&code).await.tokens();
    for scope in ["reports.write", "openid admin", "openid nope"] {
        let pairs = [
            ("grant_type", "refresh_token"),
            ("client_id", "app"),
            ("refresh_token", tokens.refresh.as_str()),
            ("scope", scope),
        ];
        app.acme().post("token", &pairs).await.assert_error(400, "invalid_scope");
    }
    app.clock.advance(60);
    app.acme().refresh(&tokens.refresh).await.ok();
}

#[rocket::async_test]
async fn f6_a_token_of_another_length_or_content_is_refused() {
    let app = TestApp::start().await;
    let tokens = app.acme().sign_in("ada").await;
    let good = &tokens.refresh;
    let mut flipped = good.clone().into_bytes();
    flipped[30] = if flipped[30] == b'A' { b'B' } else { b'A' };
    for bad in [
        good[..good.len() - 1].to_owned(),
        format!("{good}A"),
        format!("{good}="),
        good.replace("prt_", "PRT_"),
        good[4..].to_owned(),
        String::from_utf8(flipped).unwrap(),
        format!("prt_{}", "A".repeat(71)),
    ] {
        app.acme().refresh(&bad).await.assert_error(400, "invalid_grant");
    }
    app.acme().refresh(good).await.ok();
}

#[rocket::async_test]
async fn f7_another_clients_token_is_refused_and_nothing_is_revoked() {
    let app = TestApp::start().await;
    let tokens = app.acme().sign_in("ada").await;
    let pairs = [
        ("grant_type", "refresh_token"),
        ("client_id", "other"),
        ("client_secret", SECRET),
        ("refresh_token", tokens.refresh.as_str()),
    ];
    app.acme().post("token", &pairs).await.assert_error(400, "invalid_grant");
    assert!(app.acme().is_active(&tokens.access).await);
    app.acme().refresh(&tokens.refresh).await.ok();
    assert!(
        app.audit("acme")
            .await
            .iter()
            .any(|(action, reason)| action == "token.refused" && reason.contains("another client"))
    );
}

#[rocket::async_test]
async fn f8_nothing_outlives_the_absolute_expiry() {
    let app = TestApp::start().await;
    app.api(Method::Patch, "/tenants/acme", json!({ "settings": { "session_max_ttl": 1000 } }))
        .await
        .ok();
    let tokens = app.acme().sign_in("ada").await;
    app.clock.advance(900);
    let next = app.acme().refresh(&tokens.refresh).await.tokens();
    app.clock.advance(101);
    app.acme().refresh(&next.refresh).await.assert_error(400, "invalid_grant");
}
