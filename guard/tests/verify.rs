//! What a guard takes and refuses, at issuers that these tests are themselves.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "it may stop where it stands, and nobody builds on it"
)]

mod support;

use std::{sync::Arc, time::Duration};

use portcullis_guard::{Clock, Guard, NotBuilt, Refusal};
use serde_json::json;
use support::{API, Issuer, Key, NOW, StoppedClock};

fn guard(issuer: &Issuer) -> Guard {
    Guard::for_audience(API).issuer(&issuer.url).clock(Arc::new(StoppedClock)).build().unwrap()
}

#[tokio::test]
async fn a_good_token_says_whom_it_speaks_for() {
    let issuer = Issuer::start().await;
    let token = issuer.token(
        &json!({ "scope": "reports.read b", "sid": "s", "acr": "gold", "auth_time": NOW - 60,
        "amr": ["pwd"], "roles": ["admin"] }),
    );
    let principal = guard(&issuer).verify_header(Some(&format!("Bearer {token}"))).await.unwrap();
    assert_eq!((principal.issuer(), principal.subject()), (issuer.url.as_str(), "ada"));
    assert_eq!(
        (principal.client_id(), principal.session(), principal.tenant()),
        ("app", Some("s"), None)
    );
    assert!(principal.has_scope("b") && !principal.has_scope("reports"));
    assert_eq!(principal.require(&["b", "reports.read"]), Ok(()));
    assert_eq!(principal.claim("roles"), Some(&json!(["admin"])));
    let lacks = principal.require(&["b", "reports.write"]).unwrap_err();
    assert_eq!(lacks, Refusal::InsufficientScope("b reports.write".to_owned()));
    assert_eq!(principal.require_authentication(&["gold"], Some(60), &StoppedClock), Ok(()));
    let stale = principal.require_authentication(&["diamond", "gold"], Some(59), &StoppedClock);
    assert_eq!(
        stale.unwrap_err().challenge().unwrap(),
        "Bearer error=\"insufficient_user_authentication\", \
         error_description=\"the user must authenticate again\", acr_values=\"diamond gold\", max_age=59"
    );
}

#[tokio::test]
async fn a_token_that_is_not_for_here_and_now_is_refused_without_a_reason() {
    let issuer = Issuer::start().await;
    let guard = guard(&issuer);
    guard.verify(&issuer.token(&json!({}))).await.unwrap();
    for (why, changes) in [
        ("another audience", json!({ "aud": "https://elsewhere.example" })),
        ("no audience", json!({ "aud": null })),
        ("another issuer", json!({ "iss": "https://elsewhere.example" })),
        ("expired", json!({ "exp": NOW - 11 })),
        ("not yet", json!({ "nbf": NOW + 11 })),
        ("no expiry", json!({ "exp": null })),
        ("no subject", json!({ "sub": null })),
        ("an expiry that is no number", json!({ "exp": "tomorrow" })),
    ] {
        let refused = guard.verify(&issuer.token(&changes)).await.unwrap_err();
        assert_eq!(refused, Refusal::InvalidToken, "{why}");
    }
    for changes in [
        json!({ "exp": NOW - 9 }),
        json!({ "nbf": NOW + 9 }),
        json!({ "exp": NOW as f64 + 0.5 }),
        json!({ "aud": [API, "https://b.example"] }),
    ] {
        guard.verify(&issuer.token(&changes)).await.unwrap();
    }
}

#[tokio::test]
async fn y1_a_token_of_another_kind_or_make_is_refused() {
    let issuer = Issuer::start().await;
    let (guard, good) = (guard(&issuer), issuer.token(&json!({})));
    for typ in [None, Some("JWT"), Some("id_token"), Some("dpop+jwt")] {
        let token = issuer.token_with(&issuer.key, typ, Some("one"), &json!({}));
        assert_eq!(guard.verify(&token).await.unwrap_err(), Refusal::InvalidToken, "{typ:?}");
    }
    guard
        .verify(&issuer.token_with(
            &issuer.key,
            Some("application/AT+JWT"),
            Some("one"),
            &json!({}),
        ))
        .await
        .unwrap();
    // Signed by another key under the same name.
    let forged = issuer.token_with(&Key::new(), Some("at+jwt"), Some("one"), &json!({}));
    // By what everybody knows, as if it were a secret (RFC 8725 section 2.1); and by nothing.
    let swapped = issuer.signed_by_the_public_key();
    let (head, rest) = good.split_once('.').unwrap();
    let none = format!(
        "{}.{}.",
        support::base64(br#"{"alg":"none","typ":"at+jwt","kid":"one"}"#),
        rest.split('.').next().unwrap()
    );
    let cut = format!("{head}.{}", rest.split('.').next().unwrap());
    let longer = format!("{good}{}", "A".repeat(20_000));
    for token in [forged, swapped, none, cut, longer, String::new(), "a.b.c".into(), "🔑".into()]
    {
        assert_eq!(guard.verify(&token).await.unwrap_err(), Refusal::InvalidToken, "{token}");
    }
}

#[tokio::test]
async fn y1_a_kid_that_nobody_knows_asks_the_issuer_once() {
    let issuer = Issuer::start().await;
    let guard = guard(&issuer);
    let unknown: Vec<String> = (0..50)
        .map(|at| {
            issuer.token_with(&Key::new(), Some("at+jwt"), Some(&format!("k{at}")), &json!({}))
        })
        .collect();
    let asked = unknown.iter().map(|token| guard.verify(token));
    for refused in futures_util::future::join_all(asked).await {
        assert_eq!(refused.unwrap_err(), Refusal::InvalidToken);
    }
    assert_eq!(issuer.fetches(), 1);
    guard.verify(&issuer.token(&json!({}))).await.unwrap();
    // One that comes once the keys are there may be of a key that is new.
    for token in &unknown {
        assert_eq!(guard.verify(token).await.unwrap_err(), Refusal::InvalidToken);
    }
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn y1_whoever_hangs_up_has_the_keys_fetched_no_more_often() {
    let issuer = Issuer::start().await;
    let guard = guard(&issuer);
    guard.verify(&issuer.token(&json!({}))).await.unwrap();
    for at in 0..20 {
        let token =
            issuer.token_with(&Key::new(), Some("at+jwt"), Some(&format!("k{at}")), &json!({}));
        let asked = tokio::time::timeout(Duration::from_micros(50), guard.verify(&token)).await;
        assert!(asked.is_err() || asked.unwrap().is_err());
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(issuer.fetches() <= 2, "{}", issuer.fetches());
}

#[tokio::test]
async fn many_who_come_first_fetch_the_keys_once() {
    let issuer = Issuer::start().await;
    let guard = guard(&issuer);
    let tokens: Vec<String> =
        (0..50).map(|at| issuer.token(&json!({ "jti": format!("{at}") }))).collect();
    for good in futures_util::future::join_all(tokens.iter().map(|token| guard.verify(token))).await
    {
        good.unwrap();
    }
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn y1_while_the_issuer_is_away_its_last_keys_stay() {
    let mut issuer = Issuer::start().await;
    let guard = guard(&issuer);
    guard.verify(&issuer.token(&json!({}))).await.unwrap();
    issuer.stop();
    // Of a key that is not known it cannot be said now whether it is the issuer's.
    let unknown = issuer.token_with(&Key::new(), Some("at+jwt"), Some("new"), &json!({}));
    assert_eq!(guard.verify(&unknown).await.unwrap_err(), Refusal::Unavailable);
    for at in 0..5 {
        guard.verify(&issuer.token(&json!({ "jti": format!("{at}") }))).await.unwrap();
    }
}

#[tokio::test]
async fn before_the_issuer_has_answered_nobody_is_told_that_a_token_is_bad() {
    let mut issuer = Issuer::start().await;
    let guard = guard(&issuer);
    issuer.stop();
    let refused = guard.verify(&issuer.token(&json!({}))).await.unwrap_err();
    assert_eq!((refused.status().as_u16(), refused.challenge()), (503, None));
}

#[tokio::test]
async fn whoever_answers_for_another_issuer_is_not_believed() {
    let issuer = Issuer::start().await;
    issuer.say_it_is("https://id.example");
    let refused = guard(&issuer).verify(&issuer.token(&json!({}))).await.unwrap_err();
    assert_eq!(refused, Refusal::Unavailable);
}

#[tokio::test]
async fn y1_of_a_pattern_each_tenant_has_its_own_keys_and_names_are_not_asked_for_again() {
    let (acme, globex) = (Issuer::start().await, Issuer::start().await);
    let base = acme.url.rsplit_once('/').unwrap().0.to_owned();
    let pattern = format!("{base}/{{tenant}}");
    let guard =
        Guard::for_audience(API).issuer(pattern).clock(Arc::new(StoppedClock)).build().unwrap();
    let principal = guard.verify(&acme.token(&json!({}))).await.unwrap();
    assert_eq!(principal.tenant(), Some("acme"));
    // Another issuer's key for this one's name, and an issuer that no pattern covers.
    let forged = acme.token_with(&globex.key, Some("at+jwt"), Some("one"), &json!({}));
    assert_eq!(guard.verify(&forged).await.unwrap_err(), Refusal::InvalidToken);
    assert_eq!(guard.verify(&globex.token(&json!({}))).await.unwrap_err(), Refusal::InvalidToken);
    let before = acme.answers();
    for at in 0..20 {
        let stranger =
            acme.token(&json!({ "iss": format!("{base}/nobody"), "jti": format!("{at}") }));
        assert_eq!(guard.verify(&stranger).await.unwrap_err(), Refusal::InvalidToken);
    }
    // The two addresses at which metadata may be, once.
    assert!(acme.answers() - before <= 2, "{}", acme.answers() - before);
}

#[tokio::test]
async fn a_header_that_is_no_bearer_is_no_token() {
    let issuer = Issuer::start().await;
    for header in [None, Some("Basic YTpi"), Some("Bearer"), Some("")] {
        let refused = guard(&issuer).verify_header(header).await.unwrap_err();
        assert_eq!(
            (refused.status().as_u16(), refused.challenge().as_deref()),
            (401, Some("Bearer"))
        );
    }
    assert_eq!(StoppedClock.now(), NOW);
}

#[tokio::test]
async fn a_key_that_the_issuer_no_longer_has_verifies_nothing() {
    let issuer = Issuer::start().await;
    let guard = guard(&issuer);
    let token = issuer.token(&json!({}));
    guard.verify(&token).await.unwrap();
    // Whoever comes with the new key has them fetched.
    let rolled = issuer.roll();
    let new = issuer.token_with(&rolled, Some("at+jwt"), Some("two"), &json!({}));
    guard.verify(&new).await.unwrap();
    assert_eq!(guard.verify(&token).await.unwrap_err(), Refusal::InvalidToken);
}

#[tokio::test]
async fn an_issuer_is_reached_by_https_or_is_this_machine() {
    let built = |issuer: &str| Guard::for_audience(API).issuer(issuer).build();
    for good in [
        "https://id.example/t/acme",
        "https://{tenant}.id.example",
        "http://localhost:8000",
        "http://[::1]/t/a",
    ] {
        assert!(built(good).is_ok(), "{good}");
    }
    for open in [
        "http://id.example",
        "http://127.0.0.1.example",
        "http://127.0.0.1:80@id.example",
        "https://ada@id.example",
        "http://localhost@id.example/t/acme",
        "ftp://127.0.0.1",
        "id.example",
        "",
    ] {
        assert!(matches!(built(open), Err(NotBuilt::NotHttps(_))), "{open}");
    }
    let two = built("https://{tenant}.id.example/{tenant}");
    assert!(matches!(two, Err(NotBuilt::NoPattern(_))));
}

#[tokio::test]
async fn a_bound_token_is_taken_where_the_api_proves_the_binding() {
    let issuer = Issuer::start().await;
    let bound = issuer.token(&json!({ "cnf": { "jkt": "a" } }));
    assert_eq!(guard(&issuer).verify(&bound).await.unwrap_err(), Refusal::InvalidToken);
    let proves = Guard::for_audience(API)
        .issuer(&issuer.url)
        .clock(Arc::new(StoppedClock))
        .takes_bound_tokens()
        .build()
        .unwrap();
    let principal = proves.verify(&bound).await.unwrap();
    assert_eq!(principal.confirmation(), Some(&json!({ "jkt": "a" })));
}
