use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use rocket::http::Method;
use serde_json::json;

use crate::support::{SECRET, TestApp, basic};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A client with a key of its own, and what it signs.
pub(crate) struct Signer(EcdsaKeyPair);

impl Signer {
    pub(crate) async fn register(app: &TestApp) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let point = key.public_key().as_ref();
        let jwk = json!({ "kty": "EC", "crv": "P-256", "x": B64.encode(&point[1..33]), "y": B64.encode(&point[33..65]) });
        let client = json!({
            "client_id": "signer", "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [jwk] },
            "grant_types": ["client_credentials"], "scope": "reports.read",
        });
        app.api(Method::Post, "/tenants/acme/clients", client).await.ok();
        Self(key)
    }

    pub(crate) fn sign(&self, claims: &serde_json::Value) -> String {
        self.sign_text(&claims.to_string())
    }

    /// Signs claims that are written as `text`.
    pub(crate) fn sign_text(&self, text: &str) -> String {
        self.sign_under(r#"{"alg":"ES256","typ":"JWT"}"#, text)
    }

    pub(crate) fn sign_under(&self, header: &str, text: &str) -> String {
        let message = format!("{}.{}", B64.encode(header), B64.encode(text));
        let signature = self.0.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", B64.encode(signature.as_ref()))
    }
}

pub(crate) async fn with_assertion(app: &TestApp, assertion: &str) -> crate::support::Reply {
    let pairs = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", TYPE),
        ("client_assertion", assertion),
    ];
    app.acme().post("token", &pairs).await
}

pub(crate) fn claims(app: &TestApp, jti: &str) -> serde_json::Value {
    use portcullis::effects::Clock as _;
    let now = app.clock.now().secs();
    json!({ "iss": "signer", "sub": "signer", "aud": app.acme().issuer(), "exp": now + 60, "iat": now, "jti": jti })
}

#[rocket::async_test]
async fn a_signed_assertion_authenticates_its_client() {
    let app = TestApp::start().await;
    let signer = Signer::register(&app).await;
    with_assertion(&app, &signer.sign(&claims(&app, "one"))).await.ok();
    let mut other = claims(&app, "two");
    other["sub"] = "web".into();
    with_assertion(&app, &signer.sign(&other)).await.assert_error(401, "invalid_client");
    let mut late = claims(&app, "three");
    late["exp"] = (claims(&app, "")["iat"].as_i64().unwrap() - 120).into();
    with_assertion(&app, &signer.sign(&late)).await.assert_error(401, "invalid_client");
    let stranger = Signer(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap());
    with_assertion(&app, &stranger.sign(&claims(&app, "four")))
        .await
        .assert_error(401, "invalid_client");
}

/// Seconds, so many from now, as JSON has them.
fn at(app: &TestApp, seconds: f64) -> serde_json::Value {
    json!(claims(app, "")["iat"].as_f64().unwrap() + seconds)
}

#[rocket::async_test]
async fn the_instants_of_an_assertion_need_not_be_whole_seconds() {
    let app = TestApp::start().await;
    let signer = Signer::register(&app).await;
    for (index, (name, seconds)) in [
        ("exp", 59.5),
        ("exp", -59.75),
        ("exp", 659.9),
        ("iat", -0.25),
        ("iat", 59.9),
        ("iat", -86_400.5),
        ("nbf", -0.001),
        ("nbf", 59.9),
    ]
    .into_iter()
    .enumerate()
    {
        let mut claims = claims(&app, &format!("fraction-{index}"));
        claims[name] = at(&app, seconds);
        assert_eq!(
            with_assertion(&app, &signer.sign(&claims)).await.status,
            200,
            "{name} {seconds}"
        );
    }
    // Nor need they stand there, but for exp.
    let mut bare = claims(&app, "bare");
    bare.as_object_mut().unwrap().remove("iat");
    with_assertion(&app, &signer.sign(&bare)).await.ok();
}

#[rocket::async_test]
async fn an_assertion_is_neither_old_nor_early_nor_good_for_long() {
    let app = TestApp::start().await;
    let signer = Signer::register(&app).await;
    for (index, (name, seconds)) in [
        ("exp", -60.0),
        ("exp", -60.5),
        ("exp", 661.0),
        ("exp", 86_400.0),
        ("nbf", 60.5),
        ("iat", 61.0),
        ("nbf", 1e6),
    ]
    .into_iter()
    .enumerate()
    {
        let mut claims = claims(&app, &format!("instant-{index}"));
        claims[name] = at(&app, seconds);
        let reply = with_assertion(&app, &signer.sign(&claims)).await;
        assert_eq!(reply.status, 401, "{name} {seconds}");
        reply.assert_error(401, "invalid_client");
    }
}

#[rocket::async_test]
async fn each_secret_method_serves_its_own_clients() {
    let app = TestApp::start().await;
    app.acme().post_as_web("token", &[("grant_type", "client_credentials")]).await.ok();
    let post = [("token", "x"), ("client_id", "other"), ("client_secret", SECRET)];
    assert_eq!(app.acme().post("introspect", &post).await.ok().json()["active"], false);
    let wrong = basic("web", "not-the-secret-but-long-enough-to-be");
    let reply =
        app.acme().post_basic("token", &wrong, &[("grant_type", "client_credentials")]).await;
    reply.assert_error(401, "invalid_client");
    assert!(reply.header("www-authenticate").unwrap().starts_with("Basic "));
    assert!(app.audited("acme", "client.refused").await);
}

#[rocket::async_test]
async fn a_secret_with_reserved_characters_is_form_encoded_inside_basic() {
    let app = TestApp::start().await;
    let secret = "colon:percent%plus+space and ümlaut, long";
    let client = json!({
        "client_id": "odd", "client_secret": secret, "grant_types": ["client_credentials"], "scope": "reports.read",
    });
    app.api(Method::Post, "/tenants/acme/clients", client).await.ok();
    let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let reply = app
        .acme()
        .post_basic("token", &basic("odd", &encoded), &[("grant_type", "client_credentials")])
        .await;
    reply.ok();
}

#[rocket::async_test]
async fn a_public_client_that_may_use_a_grant_needs_no_secret_and_has_none() {
    let app = TestApp::start().await;
    let code = app.acme().code("app", "ada").await;
    app.acme().redeem(&code).await.ok();
    let body = json!({ "token_endpoint_auth_method": "none", "client_secret": SECRET, "redirect_uris": ["https://a.example/"] });
    app.api(Method::Post, "/tenants/acme/clients", body).await.assert_problem(400);
}

#[rocket::async_test]
async fn malformed_authorization_headers_are_invalid_client() {
    let app = TestApp::start().await;
    for header in ["Basic", "Basic !!!", "Basic d2Vi", "Bearer x", "Digest x", "Basic Og=="] {
        let reply =
            app.acme().post_basic("token", header, &[("grant_type", "client_credentials")]).await;
        reply.assert_error(401, "invalid_client");
    }
    app.acme()
        .post("token", &[("grant_type", "client_credentials")])
        .await
        .assert_error(401, "invalid_client");
}

#[rocket::async_test]
async fn secrets_roll_with_both_good_for_a_while() {
    let app = TestApp::start().await;
    let made =
        app.api(Method::Post, "/tenants/acme/clients/web/secrets", json!(null)).await.ok().json();
    let new = made["client_secret"].as_str().unwrap().to_owned();
    assert!(new.starts_with("pcs_"));
    let grant = [("grant_type", "client_credentials")];
    app.acme().post_basic("token", &basic("web", &new), &grant).await.ok();
    app.acme().post_as_web("token", &grant).await.ok();
    app.clock.advance(86_401);
    app.acme().post_basic("token", &basic("web", &new), &grant).await.ok();
    app.acme().post_as_web("token", &grant).await.assert_error(401, "invalid_client");
    let path = format!("/tenants/acme/clients/web/secrets/{}", made["id"].as_str().unwrap());
    app.api(Method::Delete, &path, json!(null)).await.ok();
    app.acme()
        .post_basic("token", &basic("web", &new), &grant)
        .await
        .assert_error(401, "invalid_client");
}
