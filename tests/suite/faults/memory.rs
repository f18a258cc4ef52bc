//! O9: what endings cost those who remember them.

use std::time::Duration;

use portcullis::{
    domain::{Change, Ending, EventNumber, TenantId},
    effects::Effects,
    revocation::{Registry, Subjects},
};
use rocket::{http::Method, tokio};
use serde_json::{Value, json};

use crate::support::TestApp;

fn token<'a>(jti: &'a str, born: i64) -> Subjects<'a> {
    Subjects { jti, sub: "nobody", client_id: "app", sid: None, gid: None, born: EventNumber(born) }
}

#[tokio::test(start_paused = true)]
async fn o9_an_ending_is_forgotten_with_the_last_token_that_it_speaks_of() {
    let (registry, effects) = (Registry::default(), Effects::system());
    let tenant = TenantId::new(&effects);
    for number in 0..10_000 {
        let jti = effects.uuid().to_string();
        let lives = Duration::from_secs(if number % 2 == 0 { 60 } else { 900 });
        registry.insert(tenant, &Ending::Token(jti), EventNumber(number), lives);
    }
    registry.insert(tenant, &Ending::Client("app".into()), EventNumber(10_000), Duration::from_secs(60));
    assert_eq!(registry.len(), 10_001);
    assert!(registry.refuses(tenant, &token("x", 9_999)));
    assert!(!registry.refuses(tenant, &token("x", 10_000)));
    tokio::time::advance(Duration::from_secs(59)).await;
    registry.prune();
    assert_eq!(registry.len(), 10_001, "nothing goes before its time");
    tokio::time::advance(Duration::from_secs(12)).await;
    registry.prune();
    assert_eq!(registry.len(), 5_000);
    // A token whose expiry a wrong clock has put off is no better for it.
    assert!(registry.refuses(tenant, &token("x", 9_999)));
    assert!(!registry.refuses(tenant, &token("x", 10_000)));
    assert!(!registry.refuses(TenantId::new(&effects), &token("x", 0)), "another tenant's tokens");
    tokio::time::advance(Duration::from_secs(900)).await;
    registry.prune();
    assert!(registry.is_empty());
}

#[tokio::test(start_paused = true)]
async fn o9_an_ending_that_is_heard_of_again_is_held_for_the_longer_of_both() {
    let (registry, tenant) = (Registry::default(), TenantId::new(&Effects::system()));
    let client = Ending::Client("app".into());
    registry.insert(tenant, &client, EventNumber(1), Duration::from_secs(60));
    registry.insert(tenant, &client, EventNumber(5), Duration::from_secs(600));
    registry.insert(tenant, &client, EventNumber(3), Duration::from_secs(60));
    tokio::time::advance(Duration::from_secs(100)).await;
    registry.prune();
    assert!(registry.refuses(tenant, &token("x", 4)));
    assert!(!registry.refuses(tenant, &token("x", 5)));
}

/// How long the last event of `acme` is remembered, in seconds.
async fn remembered_for(app: &TestApp) -> i64 {
    let mut unit = app.site.app.storage.read_installation().await.unwrap();
    let head = unit.head().await.unwrap();
    let events = unit.list_events(EventNumber(head.0 - 1), head, 10).await.unwrap();
    assert!(matches!(events[0].change, Change::Ending(..)), "{events:?}");
    events[0].lives_ms / 1000
}

#[rocket::async_test]
async fn o9_an_ending_is_remembered_as_long_as_the_longest_token_of_the_last_day() {
    let app = TestApp::start().await;
    let log_out = || app.api(Method::Post, "/tenants/acme/logout", Value::Null);
    log_out().await.ok();
    // 15 minutes, and two for clocks that differ.
    assert!((1000..=1020).contains(&remembered_for(&app).await), "{}", remembered_for(&app).await);
    let set = |ttl: i64| app.api(Method::Patch, "/tenants/acme", json!({ "settings": { "access_token_ttl": ttl } }));
    set(7200).await.ok();
    set(1800).await.ok();
    set(60).await.ok();
    log_out().await.ok();
    assert!((7300..=7320).contains(&remembered_for(&app).await), "{}", remembered_for(&app).await);
}

#[rocket::async_test]
async fn o9_who_revokes_without_end_meets_a_rate_and_nobody_else_does() {
    let app = TestApp::start().await;
    let tokens = app.acme().sign_in("ada").await;
    let mut refused = None;
    // A token that is revoked already costs nothing, so each is a new one.
    for _ in 0..1_200 {
        let token = app.acme().post_as_web("token", &[("grant_type", "client_credentials")]).await.tokens().access;
        let reply = app.acme().post_as_web("revoke", &[("token", &token)]).await;
        if reply.status != 200 {
            refused = Some(reply);
            break;
        }
    }
    let refused = refused.expect("somebody who revokes without end is told to wait");
    refused.assert_error(503, "temporarily_unavailable");
    assert!(refused.header("retry-after").is_some());
    let form = [("client_id", "app"), ("token", tokens.access.as_str())];
    app.acme().post("revoke", &form).await.ok();
    assert!(!app.acme().is_active(&tokens.access).await);
}
