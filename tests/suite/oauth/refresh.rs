use crate::support::{Agent, TestApp};

#[rocket::async_test]
async fn a_retry_inside_the_grace_gets_the_very_same_successor() {
    let app = TestApp::start().await;
    let tokens = app.acme().sign_in("ada").await;
    let first = app.acme().refresh(&tokens.refresh).await.tokens();
    app.age_rotations("acme", 5).await;
    let second = app.acme().refresh(&tokens.refresh).await.tokens();
    assert_eq!(first.refresh, second.refresh);
    app.acme().refresh(&second.refresh).await.ok();
}

#[rocket::async_test]
async fn a_sliding_family_lives_on_and_never_past_its_session() {
    let app = TestApp::start().await;
    let mut refresh = app.acme().sign_in("ada").await.refresh;
    for _ in 0..4 {
        app.clock.advance(604_800 - 10);
        refresh = app.acme().refresh(&refresh).await.tokens().refresh;
    }
    // 30 days after the sign-in the session is over, however often it was refreshed.
    app.clock.advance(604_800 - 10);
    app.acme().refresh(&refresh).await.assert_error(400, "invalid_grant");
}

#[rocket::async_test]
async fn a_family_that_does_not_slide_ends_with_its_week() {
    let app = TestApp::start().await;
    let patch = serde_json::json!({ "settings": { "refresh_token_sliding": false } });
    app.api(rocket::http::Method::Patch, "/tenants/acme", patch).await.ok();
    let tokens = app.acme().sign_in("ada").await;
    app.clock.advance(604_000);
    let next = app.acme().refresh(&tokens.refresh).await.tokens();
    app.clock.advance(1000);
    app.acme().refresh(&next.refresh).await.assert_error(400, "invalid_grant");
}

#[rocket::async_test]
async fn a_narrower_scope_is_granted_for_one_access_token_and_the_family_keeps_its_own() {
    let app = TestApp::start().await;
    let tokens = app.acme().sign_in("ada").await;
    let pairs = [
        ("grant_type", "refresh_token"),
        ("client_id", "app"),
        ("refresh_token", tokens.refresh.as_str()),
        ("scope", "reports.read"),
    ];
    let narrow = app.acme().post("token", &pairs).await.ok().json();
    assert_eq!(narrow["scope"], "reports.read");
    let again = app.acme().refresh(narrow["refresh_token"].as_str().unwrap()).await.ok().json();
    assert!(again["scope"].as_str().unwrap().contains("openid"));
}

#[rocket::async_test]
async fn one_user_may_be_signed_in_on_many_devices() {
    let app = TestApp::start().await;
    let (phone, laptop) = (app.acme().sign_in("ada").await, app.acme().sign_in("ada").await);
    app.acme().refresh(&phone.refresh).await.ok();
    app.acme().refresh(&laptop.refresh).await.ok();
    assert!(
        app.acme().is_active(&phone.access).await && app.acme().is_active(&laptop.access).await
    );
}

#[rocket::async_test]
async fn rotations_do_not_make_the_database_grow() {
    let app = TestApp::start().await;
    let mut refresh = app.acme().sign_in("ada").await.refresh;
    for _ in 0..20 {
        refresh = app.acme().refresh(&refresh).await.tokens().refresh;
    }
    let sessions = app
        .api(rocket::http::Method::Get, "/tenants/acme/sessions", serde_json::Value::Null)
        .await
        .json();
    let id = sessions["items"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/tenants/acme/sessions/{id}");
    let session = app.api(rocket::http::Method::Get, &path, serde_json::Value::Null).await.json();
    assert_eq!(session["families"].as_array().unwrap().len(), 1);
    assert_eq!(session["families"][0]["generation"], 20);
}

#[rocket::async_test]
async fn a_client_whose_registration_was_narrowed_gets_no_more_than_it() {
    let app = TestApp::start().await;
    let tokens = app.acme().sign_in("ada").await;
    let patch = serde_json::json!({ "scope": "openid" });
    app.api(rocket::http::Method::Patch, "/tenants/acme/clients/app", patch).await.ok();
    let json = app.acme().refresh(&tokens.refresh).await.ok().json();
    assert_eq!(json["scope"], "openid");
}

fn id_claims(id_token: &str) -> serde_json::Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let payload = URL_SAFE_NO_PAD.decode(id_token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

#[rocket::async_test]
async fn a_grant_bears_the_auth_time_of_the_sign_in_that_it_was_made_by() {
    let app = TestApp::start().await;
    let acme = app.acme();
    let mut agent = Agent::new(&app);
    agent.log_in(acme, "ada").await;
    let request = acme.authorization("app", &[]);
    let code = agent.get(&request).await.callback()["code"].clone();
    let mut tokens = acme.redeem(&code).await.tokens();
    let first = id_claims(tokens.id.as_ref().unwrap());
    // A code that is made before the later sign-in, and redeemed after it.
    app.clock.advance(1000);
    let before = agent.get(&request).await.callback()["code"].clone();
    app.clock.advance(10);
    agent.log_in(acme, "ada").await;
    let after = agent.get(&request).await.callback()["code"].clone();
    let of = async |code: &str| id_claims(&acme.redeem(code).await.tokens().id.unwrap());
    let (before, after) = (of(&before).await, of(&after).await);
    assert_eq!(
        (&before["sid"], &after["sid"]),
        (&first["sid"], &first["sid"]),
        "it is one session, renewed"
    );
    assert_eq!(before["auth_time"], first["auth_time"]);
    assert_eq!(after["auth_time"].as_i64().unwrap(), first["auth_time"].as_i64().unwrap() + 1010);
    for _ in 0..3 {
        app.clock.advance(60);
        tokens = acme.refresh(&tokens.refresh).await.tokens();
        let refreshed = id_claims(tokens.id.as_ref().unwrap());
        for claim in ["iss", "sub", "aud", "auth_time", "acr", "amr", "sid"] {
            assert_eq!(refreshed[claim], first[claim], "{claim} (OpenID Connect Core 12.2)");
        }
        assert!(refreshed["iat"].as_i64() > first["iat"].as_i64());
        assert_eq!(acme.introspect(&tokens.access).await.json()["auth_time"], first["auth_time"]);
    }
}

#[rocket::async_test]
async fn introspection_tells_the_auth_time_of_the_grant() {
    let app = TestApp::start().await;
    let acme = app.acme();
    let mut agent = Agent::new(&app);
    agent.log_in(acme, "ada").await;
    let tokens = acme.tokens_of_web(&mut agent).await;
    let first = acme.introspect(&tokens.refresh).await.json()["auth_time"].as_i64().unwrap();
    app.clock.advance(1000);
    agent.log_in(acme, "ada").await;
    assert_eq!(acme.introspect(&tokens.refresh).await.json()["auth_time"].as_i64(), Some(first));
    assert_eq!(acme.introspect(&tokens.access).await.json()["active"], false, "its time is over");
}
