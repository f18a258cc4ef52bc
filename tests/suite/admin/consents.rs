//! What users have allowed clients, looked at and taken back.

use rocket::http::Method;
use serde_json::{Value, json};

use crate::support::{Agent, SECRET, TestApp, basic};

async fn id_of(app: &TestApp, name: &str) -> String {
    let path = format!("/tenants/acme/users?username={name}");
    let found = app.api(Method::Get, &path, Value::Null).await.ok().json();
    found["items"][0]["id"].as_str().unwrap().to_owned()
}

#[rocket::async_test]
async fn a_consent_that_is_taken_back_ends_what_came_of_it_and_is_asked_for_again() {
    let app = TestApp::start().await;
    let acme = app.acme();
    let mut agent = Agent::new(&app);
    agent.log_in(acme, "ada").await;
    let tokens = acme.tokens_of_web(&mut agent).await;
    // Of another client of hers, and of the same client of another user.
    let own = acme.sign_in("ada").await;
    let mut other = Agent::new(&app);
    other.log_in(acme, "grace").await;
    let of_grace = acme.tokens_of_web(&mut other).await;
    // A code that is on its way.
    let code = agent.authorize(&acme.authorization("web", &[])).await.callback()["code"].clone();

    let ada = id_of(&app, "ada").await;
    let at = format!("/tenants/acme/users/{ada}/consents");
    let listed = app.api(Method::Get, &at, Value::Null).await.ok().json();
    assert_eq!(listed["items"][0]["client_id"], "web");
    assert!(listed["items"][0]["scope"].as_str().unwrap().contains("reports.read"));
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);

    let ended = app.api(Method::Delete, &format!("{at}/web"), Value::Null).await.ok().json();
    assert_eq!((ended["families"].clone(), ended["dry_run"].clone()), (json!(1), json!(false)));
    assert!(!acme.is_active(&tokens.access).await);
    assert!(acme.is_active(&own.access).await && acme.is_active(&of_grace.access).await);
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str())];
    acme.post_basic("token", &basic("web", SECRET), &refresh)
        .await
        .assert_error(400, "invalid_grant");
    let mut pairs = acme.redemption(&code).to_vec();
    pairs.retain(|(name, _)| *name != "client_id");
    acme.post_as_web("token", &pairs).await.assert_error(400, "invalid_grant");

    let asked = agent.get(&acme.authorization("web", &[])).await;
    assert!(asked.header("location").unwrap().contains("/consent"), "{asked:?}");
    let nothing = app.api(Method::Delete, &format!("{at}/web"), Value::Null).await;
    assert_eq!(nothing.status, 404);
    assert!(app.audited("acme", "consent.withdrawn").await);
}

#[rocket::async_test]
async fn every_grant_of_a_client_ends_however_many_a_user_has() {
    let app = TestApp::start().await;
    let acme = app.acme();
    let mut agent = Agent::new(&app);
    agent.log_in(acme, "ada").await;
    let first = acme.tokens_of_web(&mut agent).await;
    // More than are looked at in one transaction, most of them of another client.
    for _ in 0..210 {
        acme.sign_in("ada").await;
    }
    let last = acme.tokens_of_web(&mut agent).await;
    let ada = id_of(&app, "ada").await;
    let at = format!("/tenants/acme/users/{ada}/consents/web");
    let ended = app.api(Method::Delete, &at, Value::Null).await.ok().json();
    assert_eq!(ended["families"], 2);
    for token in [&first.access, &last.access] {
        assert!(!acme.is_active(token).await);
    }
}
