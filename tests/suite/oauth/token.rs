use rocket::http::Method;

use crate::support::{PASSWORD, SECRET, TestApp, basic, form};

#[rocket::async_test]
async fn client_credentials_answer_an_access_token_for_the_scopes_audience() {
    let app = TestApp::start().await;
    let reply = app
        .acme()
        .post_as_web("token", &[("grant_type", "client_credentials"), ("scope", "reports.read")])
        .await;
    let json = reply.clone().ok().json();
    assert_eq!(json["token_type"], "Bearer");
    assert_eq!(json["expires_in"], 900);
    assert_eq!(json["scope"], "reports.read");
    assert!(json.get("refresh_token").is_none());
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let claims = app.acme().introspect(json["access_token"].as_str().unwrap()).await.json();
    assert_eq!(claims["sub"], "web");
    assert_eq!(claims["client_id"], "web");
    assert_eq!(claims["aud"], "https://api.acme.example");
    assert_eq!(claims["iss"], app.acme().issuer());
}

#[rocket::async_test]
async fn an_access_token_has_the_form_of_rfc_9068() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let app = TestApp::start().await;
    let tokens = app.acme().sign_in("ada").await;
    let part = |at: usize| -> serde_json::Value {
        serde_json::from_slice(
            &URL_SAFE_NO_PAD.decode(tokens.access.split('.').nth(at).unwrap()).unwrap(),
        )
        .unwrap()
    };
    let (header, claims) = (part(0), part(1));
    assert_eq!(header["typ"], "at+jwt");
    assert_eq!(header["alg"], "ES256");
    for name in [
        "iss",
        "sub",
        "aud",
        "exp",
        "iat",
        "jti",
        "client_id",
        "scope",
        "sid",
        "auth_time",
        "acr",
        "amr",
    ] {
        assert!(!claims[name].is_null(), "{name} is missing: {claims}");
    }
    assert!(tokens.refresh.starts_with("prt_") && tokens.refresh.len() <= 120);
    let jwks = app.get("/t/acme/oauth2/jwks").await.ok().json();
    assert!(jwks["keys"].as_array().unwrap().iter().any(|key| key["kid"] == header["kid"]));
}

#[rocket::async_test]
async fn the_password_grant_serves_the_clients_that_name_it() {
    let app = TestApp::start().await;
    let pairs = [
        ("grant_type", "password"),
        ("username", "ada"),
        ("password", PASSWORD),
        ("client_id", "app"),
    ];
    let tokens = app.acme().post("token", &pairs).await.tokens();
    assert!(app.acme().is_active(&tokens.access).await);
    assert!(tokens.id.is_some());
    app.acme().refresh(&tokens.refresh).await.ok();
    let by_email = [
        ("grant_type", "password"),
        ("username", "ADA@acme.example"),
        ("password", PASSWORD),
        ("client_id", "app"),
    ];
    app.acme().post("token", &by_email).await.ok();
    let wrong = [
        ("grant_type", "password"),
        ("username", "ada"),
        ("password", "wrong password"),
        ("client_id", "app"),
    ];
    app.acme().post("token", &wrong).await.assert_error(400, "invalid_grant");
}

#[rocket::async_test]
async fn every_malformed_request_is_told_so_in_rfc_6749s_form() {
    let app = TestApp::start().await;
    let path = app.acme().path("/oauth2/token");
    let urlencoded = ("Content-Type", "application/x-www-form-urlencoded");
    let authorization = basic("web", SECRET);
    let auth = ("Authorization", authorization.as_str());
    let cases: [(&str, Vec<u8>); 7] = [
        ("missing grant_type", b"scope=reports.read".to_vec()),
        ("empty body", Vec::new()),
        ("twice", b"grant_type=client_credentials&grant_type=password".to_vec()),
        ("bad percent", b"grant_type=client_credentials&scope=%zz".to_vec()),
        ("not UTF-8", b"grant_type=client_credentials&scope=\xff\xfe".to_vec()),
        ("encoded not UTF-8", b"grant_type=client_credentials&scope=%ff".to_vec()),
        ("NUL", b"grant_type=client_credentials&scope=a%00b".to_vec()),
    ];
    for (name, body) in cases {
        let reply = app.send(Method::Post, &path, &[urlencoded, auth], body).await;
        assert_eq!(reply.status, 400, "{name}");
        reply.assert_error(400, "invalid_request");
    }
    for kind in ["application/json", "text/plain", "multipart/form-data; boundary=x", ""] {
        let reply = app
            .send(
                Method::Post,
                &path,
                &[("Content-Type", kind), auth],
                "grant_type=client_credentials",
            )
            .await;
        reply.assert_error(400, "invalid_request");
    }
    let without = app.send(Method::Post, &path, &[auth], "grant_type=client_credentials").await;
    without.assert_error(400, "invalid_request");
}

#[rocket::async_test]
async fn a_charset_behind_the_content_type_is_no_fault() {
    let app = TestApp::start().await;
    let authorization = basic("web", SECRET);
    let headers = [
        ("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"),
        ("Authorization", authorization.as_str()),
    ];
    let body = form(&[("grant_type", "client_credentials")]);
    app.send(Method::Post, "/t/acme/oauth2/token", &headers, body).await.ok();
}

#[rocket::async_test]
async fn grants_and_methods_that_are_not_served_are_told_so() {
    let app = TestApp::start().await;
    let unknown = app.acme().post_as_web("token", &[("grant_type", "urn:example:unknown")]).await;
    unknown.assert_error(400, "unsupported_grant_type");
    let scope = app
        .acme()
        .post_as_web("token", &[("grant_type", "client_credentials"), ("scope", "nope")])
        .await;
    scope.assert_error(400, "invalid_scope");
    let of_user = app
        .acme()
        .post_as_web("token", &[("grant_type", "client_credentials"), ("scope", "openid")])
        .await;
    of_user.assert_error(400, "invalid_scope");
    for method in [Method::Get, Method::Put, Method::Delete] {
        let reply = app.send(method, "/t/acme/oauth2/token", &[], "").await;
        reply.assert_error(405, "invalid_request");
        assert_eq!(reply.header("allow"), Some("POST"));
    }
}

#[rocket::async_test]
async fn at_the_token_endpoint_a_scope_that_is_not_known_is_refused_and_not_ignored() {
    let app = TestApp::start().await;
    for scope in ["reports.read phone", "phone", "reports.read reports.write"] {
        let pairs = [("grant_type", "client_credentials"), ("scope", scope)];
        app.acme().post_as_web("token", &pairs).await.assert_error(400, "invalid_scope");
        let pairs = [
            ("grant_type", "password"),
            ("client_id", "app"),
            ("username", "ada"),
            ("password", PASSWORD),
            ("scope", scope),
        ];
        app.acme().post("token", &pairs).await.assert_error(400, "invalid_scope");
    }
}

#[rocket::async_test]
async fn a_resource_narrows_the_audience_and_an_unknown_one_is_invalid_target() {
    let app = TestApp::start().await;
    let good = [("grant_type", "client_credentials"), ("resource", "https://api.acme.example")];
    let token = app.acme().post_as_web("token", &good).await.ok().json();
    let claims = app.acme().introspect(token["access_token"].as_str().unwrap()).await.json();
    assert_eq!(claims["aud"], "https://api.acme.example");
    let bad = [("grant_type", "client_credentials"), ("resource", "https://api.globex.example")];
    app.acme().post_as_web("token", &bad).await.assert_error(400, "invalid_target");
}

#[rocket::async_test]
async fn every_signing_algorithm_signs_what_its_key_verifies() {
    let app = TestApp::start().await;
    for alg in ["EdDSA", "RS256", "ES256"] {
        let patch = serde_json::json!({ "settings": { "signing_alg": alg } });
        app.api(Method::Patch, "/tenants/acme", patch).await.ok();
        // The next key was made before the setting was changed; the one after it follows the setting.
        for _ in 0..2 {
            // A key signs once every verifier knows it.
            app.clock.advance(301);
            app.api(Method::Post, "/tenants/acme/keys/rotate", serde_json::Value::Null).await.ok();
        }
        let token = app
            .acme()
            .post_as_web("token", &[("grant_type", "client_credentials")])
            .await
            .ok()
            .json();
        assert!(app.acme().is_active(token["access_token"].as_str().unwrap()).await, "{alg}");
        let keys = app.api(Method::Get, "/tenants/acme/keys", serde_json::Value::Null).await.json();
        let active = keys["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|key| key["state"] == "active")
            .unwrap()
            .clone();
        assert_eq!(active["alg"], alg);
    }
}

#[rocket::async_test]
async fn scripts_of_any_origin_may_call_the_token_endpoint_and_no_page() {
    let app = TestApp::start().await;
    let preflight = app
        .send(Method::Options, "/t/acme/oauth2/token", &[("Origin", "https://spa.example")], "")
        .await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));
    assert!(preflight.header("access-control-allow-credentials").is_none());
    let page = app.get("/t/acme/login").await.ok();
    assert!(page.header("access-control-allow-origin").is_none());
}
