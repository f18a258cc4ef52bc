//! J rows: forged and misused tokens.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use rocket::http::Method;
use serde_json::{Value, json};

use crate::support::TestApp;

async fn assert_refused(app: &TestApp, token: &str, what: &str) {
    let reply = app.acme().bearer(Method::Get, "/oauth2/userinfo", token).await;
    assert_eq!(
        (reply.status, reply.json()["error"].as_str()),
        (401, Some("invalid_token")),
        "{what}"
    );
    assert_eq!(app.acme().introspect(token).await.json(), json!({ "active": false }), "{what}");
}

/// The token with its header and claims changed, and the signature it had.
fn changed(token: &str, header: impl Fn(&mut Value), claims: impl Fn(&mut Value)) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let open = |part: &str| serde_json::from_slice::<Value>(&B64.decode(part).unwrap()).unwrap();
    let (mut head, mut body) = (open(parts[0]), open(parts[1]));
    header(&mut head);
    claims(&mut body);
    format!("{}.{}.{}", B64.encode(head.to_string()), B64.encode(body.to_string()), parts[2])
}

#[rocket::async_test]
async fn j1_no_signature_and_confused_algorithms_are_refused() {
    let app = TestApp::start().await;
    let token = app.acme().sign_in("ada").await.access;
    for alg in ["none", "None", "HS256", "RS256", "ES384"] {
        let forged = changed(&token, |header| header["alg"] = alg.into(), |_| {});
        assert_refused(&app, &forged, alg).await;
        let unsigned = format!("{}.", forged.rsplit_once('.').unwrap().0);
        assert_refused(&app, &unsigned, alg).await;
    }
    // HS256 with the public key as its secret.
    let jwks = app.get("/t/acme/oauth2/jwks").await.body;
    let forged = changed(&token, |header| header["alg"] = "HS256".into(), |_| {});
    let message = forged.rsplit_once('.').unwrap().0;
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, jwks.as_bytes());
    let tag = B64.encode(aws_lc_rs::hmac::sign(&key, message.as_bytes()).as_ref());
    assert_refused(&app, &format!("{message}.{tag}"), "HS256 over the JWKS").await;
}

#[rocket::async_test]
async fn j2_keys_that_a_token_brings_along_are_not_looked_at() {
    let app = TestApp::start().await;
    let token = app.acme().sign_in("ada").await.access;
    let own =
        json!({ "kty": "EC", "crv": "P-256", "x": B64.encode([1; 32]), "y": B64.encode([2; 32]) });
    for (name, value) in [
        ("jku", json!("http://127.0.0.1:1/keys")),
        ("x5u", json!("http://127.0.0.1:1/cert")),
        ("jwk", own),
        ("kid", json!("../../../etc/passwd")),
        ("kid", json!("' OR 1=1 --")),
        ("kid", json!(null)),
    ] {
        let forged = changed(&token, |header| header[name] = value.clone(), |_| {});
        assert_refused(&app, &forged, name).await;
    }
}

#[rocket::async_test]
async fn j3_an_id_token_is_no_access_token() {
    let app = TestApp::start().await;
    let tokens = app.acme().sign_in("ada").await;
    assert_refused(&app, tokens.id.as_deref().unwrap(), "ID token").await;
    // The very claims of an access token, rightly signed, under the other name.
    let tenant = portcullis::admin::find_tenant(&app.admin(), "acme").await.unwrap();
    let keys = app.site.app.keys.of(&tenant).await.unwrap();
    let claims = B64.decode(tokens.access.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    let named_id = keys.sign(portcullis::keys::TokenType::Id, &claims).unwrap();
    assert_refused(&app, &named_id, "typ JWT").await;
    let named_access = keys.sign(portcullis::keys::TokenType::Access, &claims).unwrap();
    assert!(app.acme().is_active(&named_access).await);
    let retyped = changed(&tokens.access, |header| header["typ"] = "JWT".into(), |_| {});
    assert_refused(&app, &retyped, "typ").await;
}

#[rocket::async_test]
async fn j4_j5_odd_claims_and_headers_are_refused() {
    let app = TestApp::start().await;
    let token = app.acme().sign_in("ada").await.access;
    for exp in [json!("9999999999"), json!(null), json!(9_999_999_999_i64)] {
        let forged = changed(&token, |_| {}, |claims| claims["exp"] = exp.clone());
        assert_refused(&app, &forged, "exp").await;
    }
    let critical = changed(&token, |header| header["crit"] = json!(["b64"]), |_| {});
    assert_refused(&app, &critical, "crit").await;
    let reply = app.acme().bearer(Method::Get, "/oauth2/userinfo", &"a".repeat(9000)).await;
    assert!(matches!(reply.status, 401 | 431));
}

#[rocket::async_test]
async fn s2_a_token_from_the_future_counts_only_within_a_minute() {
    let app = TestApp::start().await;
    app.clock.advance(50);
    let ahead = app.acme().sign_in("ada").await.access;
    app.clock.advance(-50);
    assert!(app.acme().is_active(&ahead).await);
    app.clock.advance(200);
    let far_ahead = app.acme().sign_in("ada").await.access;
    app.clock.advance(-200);
    assert!(!app.acme().is_active(&far_ahead).await);
}

/// What was found good once is held: it must not be held against what came since.
#[rocket::async_test]
async fn s2_what_was_found_good_is_refused_once_it_is_not() {
    async fn withdraw_key(app: &TestApp) {
        let keys = app.api(Method::Get, "/tenants/acme/keys", Value::Null).await.json();
        let active = keys["items"].as_array().unwrap().iter().find(|key| key["state"] == "active");
        let kid = active.unwrap()["kid"].as_str().unwrap().to_owned();
        let path = format!("/tenants/acme/keys/{kid}/withdraw");
        app.api(Method::Post, &path, Value::Null).await.ok();
    }

    for what in ["its key is withdrawn", "its session ends", "its time is over"] {
        let app = TestApp::start().await;
        let token = app.acme().sign_in("ada").await.access;
        for _ in 0..3 {
            assert!(app.acme().is_active(&token).await, "before {what}");
        }
        let forged = changed(&token, |_| {}, |claims| claims["scope"] = "admin".into());
        assert_refused(&app, &forged, "the signature of one that is held").await;
        assert!(!app.globex().is_active(&token).await, "at another tenant");
        match what {
            "its key is withdrawn" => withdraw_key(&app).await,
            "its session ends" => {
                app.acme().bearer(Method::Post, "/auth/logout", &token).await;
            }
            _ => app.clock.advance(900),
        }
        assert_refused(&app, &token, what).await;
    }
}
