//! What administrators end by the API.

use rocket::http::Method::{Delete, Get, Patch, Post};
use serde_json::{Value, json};

use crate::support::TestApp;

#[rocket::async_test]
async fn a_forced_logout_refuses_the_next_refresh() {
    let app = TestApp::start().await;
    let acme = app.acme();
    let (first, second, others) =
        (acme.sign_in("ada").await, acme.sign_in("ada").await, acme.sign_in("grace").await);
    let sessions = app.api(Get, "/tenants/acme/sessions", Value::Null).await.json();
    let of = |username: &str| {
        let items = sessions["items"].as_array().unwrap();
        items.iter().find(|item| item["username"] == username).unwrap().clone()
    };
    let path = format!("/tenants/acme/users/{}/logout", of("ada")["user_id"].as_str().unwrap());
    let would = app.api(Post, &format!("{path}?dry_run=true"), Value::Null).await.ok().json();
    assert_eq!(
        (&would["sessions"], &would["families"], &would["dry_run"]),
        (&json!(2), &json!(2), &json!(true))
    );
    assert!(acme.is_active(&first.access).await);
    let ended = app.api(Post, &path, Value::Null).await.ok().json();
    assert_eq!((&ended["sessions"], &ended["families"]), (&json!(2), &json!(2)));
    for tokens in [&first, &second] {
        acme.refresh(&tokens.refresh).await.assert_error(400, "invalid_grant");
        assert!(!acme.is_active(&tokens.access).await);
    }
    assert!(acme.is_active(&others.access).await);
    assert!(app.audited("acme", "session.forced_logout").await);
    let event = ended["event"].as_i64().unwrap();
    app.api(Get, &format!("/revocations/{event}"), Value::Null).await.ok();
    // Whoever signs in again is in.
    app.clock.advance_millis(1);
    let anew = acme.sign_in("ada").await;
    assert!(acme.is_active(&anew.access).await);
}

#[rocket::async_test]
async fn a_forced_logout_reaches_a_session_a_client_and_a_tenant() {
    let app = TestApp::start().await;
    let acme = app.acme();
    let (one, two) = (acme.sign_in("ada").await, acme.sign_in("ada").await);
    let me = acme.bearer(Get, "/auth/me", &one.access).await.json();
    app.api(
        Delete,
        &format!("/tenants/acme/sessions/{}", me["sid"].as_str().unwrap()),
        Value::Null,
    )
    .await
    .ok();
    assert!(!acme.is_active(&one.access).await && acme.is_active(&two.access).await);
    let machine = acme.post_as_web("token", &[("grant_type", "client_credentials")]).await.tokens();
    app.api(Post, "/tenants/acme/clients/app/logout", Value::Null).await.ok();
    assert!(!acme.is_active(&two.access).await && acme.is_active(&machine.access).await);
    acme.refresh(&two.refresh).await.assert_error(400, "invalid_grant");
    let globex = app.globex().sign_in("ada").await;
    app.api(Post, "/tenants/acme/logout", Value::Null).await.ok();
    assert!(!acme.is_active(&machine.access).await);
    assert!(app.globex().is_active(&globex.access).await);
    for path in ["/sessions/nope", "/sessions/01a20fca-900c-70d2-8955-a536f266d9d1"] {
        app.api(Delete, &format!("/tenants/acme{path}"), Value::Null).await.assert_problem(404);
    }
    app.api(Post, "/tenants/acme/clients/nobody/logout", Value::Null).await.assert_problem(404);
}

#[rocket::async_test]
async fn a_token_of_an_earlier_longer_setting_does_not_outlive_its_revocation() {
    let app = TestApp::start().await;
    let ttl = |seconds: i64| json!({ "settings": { "access_token_ttl": seconds } });
    app.api(Patch, "/tenants/acme", ttl(86_400)).await.ok();
    let tokens = app.acme().sign_in("ada").await;
    app.api(Patch, "/tenants/acme", ttl(60)).await.ok();
    app.api(Post, "/tenants/acme/logout", Value::Null).await.ok();
    for _ in 0..20 {
        app.clock.advance(3600);
        app.follow().await;
        // Also on a node that knows of it from the database alone.
        assert!(!app.acme().is_active(&tokens.access).await);
    }
    assert!(!app.another_node().await.acme().is_active(&tokens.access).await);
}

#[rocket::async_test]
async fn one_token_is_revoked_by_its_jti_or_by_itself() {
    let app = TestApp::start().await;
    let (one, two) = (app.acme().sign_in("ada").await, app.acme().sign_in("ada").await);
    let jti = app.acme().introspect(&one.access).await.json()["jti"].clone();
    app.api(Post, "/tenants/acme/tokens/revoke", json!({ "jti": jti })).await.ok();
    assert!(!app.acme().is_active(&one.access).await);
    app.acme().refresh(&one.refresh).await.ok();
    app.api(Post, "/tenants/acme/tokens/revoke", json!({ "token": two.refresh })).await.ok();
    assert!(!app.acme().is_active(&two.access).await);
    app.acme().refresh(&two.refresh).await.assert_error(400, "invalid_grant");
    app.api(Post, "/tenants/acme/tokens/revoke", json!({ "token": "garbage" }))
        .await
        .assert_problem(400);
    app.api(Post, "/tenants/acme/tokens/revoke", json!({})).await.assert_problem(400);
}

#[rocket::async_test]
async fn what_a_users_grants_rest_on_ends_them_when_it_changes() {
    let app = TestApp::start().await;
    let users = app.api(Get, "/tenants/acme/users?q=ada", Value::Null).await.ok().json();
    let path = format!("/tenants/acme/users/{}", users["items"][0]["id"].as_str().unwrap());
    for patch in [
        json!({ "password": "another good password" }),
        json!({ "roles": ["support"] }),
        json!({ "status": "disabled" }),
    ] {
        let tokens = match patch.get("roles").or(patch.get("status")) {
            None => app.acme().sign_in("ada").await,
            Some(_) => {
                let body = json!({ "username": "ada", "password": "another good password", "client_id": "app" });
                app.acme().post_json("/auth/login", body).await.tokens()
            }
        };
        app.clock.advance_millis(1);
        app.api(Patch, &path, patch.clone()).await.ok();
        assert!(!app.acme().is_active(&tokens.access).await, "{patch}");
        app.acme().refresh(&tokens.refresh).await.assert_error(400, "invalid_grant");
        app.clock.advance_millis(1);
    }
    let body =
        json!({ "username": "ada", "password": "another good password", "client_id": "app" });
    app.acme().post_json("/auth/login", body).await.assert_error(401, "invalid_grant");
    app.api(Delete, &path, Value::Null).await.ok();
    app.api(Get, &path, Value::Null).await.assert_problem(404);
}
