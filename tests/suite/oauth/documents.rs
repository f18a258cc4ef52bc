use crate::support::TestApp;

#[rocket::async_test]
async fn one_document_stands_at_each_well_known_address() {
    let app = TestApp::start().await;
    let document = app.get("/t/acme/.well-known/openid-configuration").await.ok().json();
    for path in [
        "/.well-known/oauth-authorization-server/t/acme",
        "/.well-known/openid-configuration/t/acme",
    ] {
        assert_eq!(app.get(path).await.ok().json(), document, "{path}");
    }
    assert_eq!(document["issuer"], app.acme().issuer());
    assert_eq!(document["code_challenge_methods_supported"], serde_json::json!(["S256"]));
    assert_eq!(document["authorization_response_iss_parameter_supported"], true);
}

#[rocket::async_test]
async fn metadata_names_what_is_there_and_nothing_else() {
    let app = TestApp::start().await;
    let document = app.get("/t/acme/.well-known/openid-configuration").await.ok().json();
    // Each endpoint that is named answers; none of them with "not found".
    for (name, url) in document.as_object().unwrap() {
        if name.ends_with("_endpoint") || name == "jwks_uri" {
            let path = url.as_str().unwrap().strip_prefix(crate::support::BASE).unwrap();
            assert_ne!(app.get(path).await.status, 404, "{name}");
        }
    }
    for absent in [
        "registration_endpoint",
        "pushed_authorization_request_endpoint",
        "device_authorization_endpoint",
    ] {
        assert!(document.get(absent).is_none(), "{absent}");
    }
    for path in ["par", "device_authorization", "register"] {
        assert_eq!(app.get(&format!("/t/acme/oauth2/{path}")).await.status, 404);
    }
}

#[rocket::async_test]
async fn the_password_grant_is_named_where_some_client_may_use_it() {
    let app = TestApp::start().await;
    let grants = |document: serde_json::Value| document["grant_types_supported"].to_string();
    assert!(
        grants(app.get("/t/acme/.well-known/openid-configuration").await.json())
            .contains("password")
    );
    for client in ["app", "other"] {
        let patch = serde_json::json!({ "grant_types": ["authorization_code"] });
        app.api(rocket::http::Method::Patch, &format!("/tenants/acme/clients/{client}"), patch)
            .await
            .ok();
    }
    let after = grants(app.get("/t/acme/.well-known/openid-configuration").await.json());
    assert!(!after.contains("password") && after.contains("refresh_token"), "{after}");
}

#[rocket::async_test]
async fn a_tenant_that_is_not_there_or_suspended_is_not_found() {
    let app = TestApp::start().await;
    app.api(rocket::http::Method::Delete, "/tenants/globex", serde_json::Value::Null).await.ok();
    let (none, suspended) = ("/t/nowhere/oauth2/jwks", "/t/globex/oauth2/jwks");
    let (none, suspended) = (app.get(none).await, app.get(suspended).await);
    assert_eq!((none.status, suspended.status), (404, 404));
    assert_eq!(none.body, suspended.body);
    let token = app.globex().post_as_web("token", &[("grant_type", "client_credentials")]).await;
    token.assert_error(403, "access_denied");
    app.globex().introspect("x").await.assert_error(404, "not_found");
    app.globex().post_as_web("revoke", &[("token", "x")]).await.assert_error(404, "not_found");
    for path in ["/t/UPPER/oauth2/jwks", "/t/-x/oauth2/jwks", "/t/a%2Fb/oauth2/jwks"] {
        assert_eq!(app.get(path).await.status, 404, "{path}");
    }
}

#[rocket::async_test]
async fn a_key_is_published_before_it_signs_and_after_it_has_signed() {
    let app = TestApp::start().await;
    let kids = |json: serde_json::Value| -> Vec<String> {
        json["keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| key["kid"].as_str().unwrap().to_owned())
            .collect()
    };
    let tokens = app.acme().sign_in("ada").await;
    let before = kids(app.get("/t/acme/oauth2/jwks").await.json());
    app.api(rocket::http::Method::Post, "/tenants/acme/keys/rotate", serde_json::Value::Null)
        .await
        .ok();
    let after = kids(app.get("/t/acme/oauth2/jwks").await.json());
    assert_eq!(before.len(), 2);
    assert_eq!(after.len(), 3);
    assert!(before.iter().all(|kid| after.contains(kid)));
    assert!(app.acme().is_active(&tokens.access).await);
    // No private member in any of them.
    let body = app.get("/t/acme/oauth2/jwks").await.body;
    assert!(!body.contains("\"d\""));
}
