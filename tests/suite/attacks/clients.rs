//! K rows: client authentication.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use portcullis::admin::{self, Authority};
use rocket::http::Method;
use serde_json::{Value, json};

use crate::{
    oauth::client_auth::{Signer, claims, with_assertion},
    support::{Agent, Reply, SECRET, TestApp, basic},
};

#[rocket::async_test]
async fn k1_two_methods_at_once_are_an_invalid_request() {
    let app = TestApp::start().await;
    let pairs =
        [("grant_type", "client_credentials"), ("client_id", "web"), ("client_secret", SECRET)];
    app.acme().post_as_web("token", &pairs).await.assert_error(400, "invalid_request");
    let differs = [("grant_type", "client_credentials"), ("client_id", "other")];
    app.acme().post_as_web("token", &differs).await.assert_error(400, "invalid_request");
}

#[rocket::async_test]
async fn k2_no_client_gets_by_with_another_method_than_its_own() {
    let app = TestApp::start().await;
    let as_post =
        [("grant_type", "client_credentials"), ("client_id", "web"), ("client_secret", SECRET)];
    app.acme().post("token", &as_post).await.assert_error(401, "invalid_client");
    let as_public = [("grant_type", "client_credentials"), ("client_id", "web")];
    app.acme().post("token", &as_public).await.assert_error(401, "invalid_client");
    let as_basic = app
        .acme()
        .post_basic(
            "token",
            &basic("app", ""),
            &[("grant_type", "refresh_token"), ("refresh_token", "x")],
        )
        .await;
    as_basic.assert_error(401, "invalid_client");
}

#[rocket::async_test]
async fn k3_an_assertion_is_good_once_on_every_node() {
    let app = TestApp::start().await;
    let signer = Signer::register(&app).await;
    let assertion = signer.sign(&claims(&app, "once"));
    with_assertion(&app, &assertion).await.ok();
    with_assertion(&app, &assertion).await.assert_error(401, "invalid_client");
    let node = app.another_node().await;
    with_assertion(&node, &assertion).await.assert_error(401, "invalid_client");
}

/// Sends an assertion that is meant for `aud`.
async fn meant_for(app: &TestApp, signer: &Signer, aud: &Value) -> Reply {
    let mut claims = claims(app, &app.site.app.effects.secret());
    claims["aud"] = aud.clone();
    with_assertion(app, &signer.sign(&claims)).await
}

fn token_endpoint(app: &TestApp) -> Value {
    json!(format!("{}/oauth2/token", app.acme().issuer()))
}

#[rocket::async_test]
async fn k4_an_assertion_is_meant_for_the_issuer_or_the_token_endpoint_and_nothing_else() {
    let app = TestApp::start().await;
    let signer = Signer::register(&app).await;
    let (issuer, endpoint) = (app.acme().issuer(), token_endpoint(&app));
    meant_for(&app, &signer, &json!(issuer)).await.ok();
    meant_for(&app, &signer, &endpoint).await.ok();
    let globex = app.globex().issuer();
    for other in [
        json!([issuer]),
        json!([endpoint]),
        json!([issuer, "https://other.example"]),
        json!([]),
        json!({ "0": issuer }),
        json!(null),
        json!(globex),
        json!(format!("{globex}/oauth2/token")),
        json!(format!("{issuer}/")),
        json!(format!("{issuer}/oauth2/revoke")),
        json!(format!("{issuer}/oauth2/introspect")),
        json!(format!("{issuer}/oauth2/token/")),
        json!(format!("{issuer}/oauth2/token?x=1")),
        json!(format!("{issuer}/oauth2/TOKEN")),
        json!(issuer.to_uppercase()),
        json!(format!(" {issuer}")),
        json!("http://127.0.0.1:8000"),
        json!(""),
    ] {
        meant_for(&app, &signer, &other).await.assert_error(401, "invalid_client");
    }
}

#[rocket::async_test]
async fn k4_where_tenant_or_client_are_strict_an_assertion_is_meant_for_the_issuer_alone() {
    let app = TestApp::start().await;
    let signer = Signer::register(&app).await;
    let (issuer, endpoint) = (json!(app.acme().issuer()), token_endpoint(&app));
    let (tenant, client) = ("/tenants/acme", "/tenants/acme/clients/signer");
    for (of_tenant, of_client) in [(false, true), (true, true), (true, false), (false, false)] {
        let settings = json!({ "settings": { "strict_assertion_audience": of_tenant } });
        let shown = app.api(Method::Patch, tenant, settings).await.ok().json();
        assert_eq!(shown["settings"]["strict_assertion_audience"], of_tenant);
        let shown = app
            .api(Method::Patch, client, json!({ "strict_assertion_audience": of_client }))
            .await
            .ok()
            .json();
        assert_eq!(shown["strict_assertion_audience"], of_client);
        meant_for(&app, &signer, &issuer).await.ok();
        match of_tenant || of_client {
            true => meant_for(&app, &signer, &endpoint).await.assert_error(401, "invalid_client"),
            false => drop(meant_for(&app, &signer, &endpoint).await.ok()),
        }
    }
    for path in [tenant, client] {
        let body = json!({ "strict_assertion_audience": "yes", "settings": { "strict_assertion_audience": "yes" } });
        app.api(Method::Patch, path, body).await.assert_problem(400);
    }
}

#[rocket::async_test]
async fn k4_a_save_in_the_console_and_an_exported_file_keep_strictness() {
    let app = TestApp::start().await;
    let signer = Signer::register(&app).await;
    let strict = json!({ "settings": { "strict_assertion_audience": true } });
    app.api(Method::Patch, "/tenants/acme", strict).await.ok();
    let strict = json!({ "strict_assertion_audience": true });
    app.api(Method::Patch, "/tenants/acme/clients/signer", strict).await.ok();
    let mut agent = Agent::new(&app);
    agent.log_in_to_console("system", "root").await;
    let page = agent.get("/admin/tenants/acme/clients/signer").await.ok();
    let jwks =
        app.api(Method::Get, "/tenants/acme/clients/signer", json!(null)).await.json()["jwks"]
            .to_string();
    let version = page.hidden("version");
    let fields = [
        ("version", version.as_str()),
        ("client_name", "Renamed"),
        ("token_endpoint_auth_method", "private_key_jwt"),
        ("grant_client_credentials", "on"),
        ("scope", "reports.read"),
        ("jwks", jwks.as_str()),
    ];
    assert!(
        agent
            .console("/admin/tenants/acme/clients/signer", &fields)
            .await
            .location()
            .ends_with("?done=changed")
    );
    let page = agent.get("/admin/tenants/acme").await.ok();
    let version = page.hidden("version");
    let fields = [
        ("version", version.as_str()),
        ("name", "Renamed"),
        ("access_token_ttl", "900"),
        ("refresh_token_ttl", "604800"),
        ("refresh_reuse_grace", "10"),
        ("password_bcrypt_cost", "10"),
        ("session_idle_ttl", "86400"),
        ("session_max_ttl", "2592000"),
        ("signing_alg", "ES256"),
        ("scopes", "reports.read Read your reports"),
    ];
    assert!(
        agent.console("/admin/tenants/acme", &fields).await.location().ends_with("?done=changed")
    );
    let tenant = app.api(Method::Get, "/tenants/acme", json!(null)).await.json();
    assert_eq!(
        (&tenant["name"], &tenant["settings"]["strict_assertion_audience"]),
        (&json!("Renamed"), &json!(true))
    );
    let client = app.api(Method::Get, "/tenants/acme/clients/signer", json!(null)).await.json();
    assert_eq!(
        (&client["client_name"], &client["strict_assertion_audience"]),
        (&json!("Renamed"), &json!(true))
    );
    meant_for(&app, &signer, &token_endpoint(&app)).await.assert_error(401, "invalid_client");
    let file = admin::export(&app.admin(), &Authority::of_shell(), Some("acme"), false)
        .await
        .unwrap()
        .to_string();
    assert_eq!(file.matches(r#""strict_assertion_audience":true"#).count(), 2, "{file}");
}

#[rocket::async_test]
async fn j4_an_instant_that_is_no_number_or_no_instant_is_refused() {
    let app = TestApp::start().await;
    let signer = Signer::register(&app).await;
    let good = claims(&app, "one of many");
    for name in ["exp", "nbf", "iat"] {
        for (at, value) in [
            json!(good["exp"].to_string()),
            json!(""),
            json!(null),
            json!(true),
            json!([good["exp"]]),
            json!({}),
            json!(-1),
            json!(-1.5),
            json!(1e12),
            json!(1e300),
            json!(i64::MAX),
            json!(u64::MAX),
        ]
        .into_iter()
        .enumerate()
        {
            let mut claims = claims(&app, &format!("{name}-{at}"));
            claims[name] = value.clone();
            let reply = with_assertion(&app, &signer.sign(&claims)).await;
            assert_eq!(reply.status, 401, "{name} {value}");
            reply.assert_error(401, "invalid_client");
        }
        // What JSON writes and no double holds.
        let text = good.to_string().replace("}", &format!(r#","{name}":1e400}}"#));
        with_assertion(&app, &signer.sign_text(&text)).await.assert_error(401, "invalid_client");
    }
    let mut without = claims(&app, "without");
    without.as_object_mut().unwrap().remove("exp");
    with_assertion(&app, &signer.sign(&without)).await.assert_error(401, "invalid_client");
    let twice = good.to_string().replace("}", r#","exp":1}"#);
    with_assertion(&app, &signer.sign_text(&twice)).await.assert_error(401, "invalid_client");
    with_assertion(&app, &signer.sign(&good)).await.ok();
}

#[rocket::async_test]
async fn j1_j3_j5_an_assertion_is_of_its_own_type_and_algorithm_with_nothing_critical() {
    let app = TestApp::start().await;
    let signer = Signer::register(&app).await;
    let fresh = || claims(&app, &app.site.app.effects.secret()).to_string();
    for typ in
        ["JWT", "jwt", "client-authentication+jwt", "Client-Authentication+JWT", "application/jwt"]
    {
        let header = json!({ "alg": "ES256", "typ": typ }).to_string();
        assert_eq!(
            with_assertion(&app, &signer.sign_under(&header, &fresh())).await.status,
            200,
            "{typ}"
        );
    }
    with_assertion(&app, &signer.sign_under(r#"{"alg":"ES256"}"#, &fresh())).await.ok();
    for header in [
        r#"{"alg":"ES256","typ":"at+jwt"}"#,
        r#"{"alg":"ES256","typ":"application/at+jwt"}"#,
        r#"{"alg":"ES256","typ":"dpop+jwt"}"#,
        r#"{"alg":"ES256","typ":"logout+jwt"}"#,
        r#"{"alg":"ES256","typ":"secevent+jwt"}"#,
        r#"{"alg":"ES256","typ":"oauth-authz-req+jwt"}"#,
        r#"{"alg":"ES256","typ":"text/jwt"}"#,
        r#"{"alg":"ES256","typ":""}"#,
        r#"{"alg":"ES256","typ":null}"#,
        r#"{"alg":"ES256","typ":["JWT"]}"#,
        r#"{"alg":"ES256","crit":["exp"],"exp":1}"#,
        r#"{"alg":"ES256","crit":["b64"],"b64":true}"#,
        r#"{"alg":"ES256","crit":[]}"#,
        r#"{"alg":"ES256","crit":null}"#,
        r#"{"alg":"ES384"}"#,
        r#"{"alg":"HS256"}"#,
        r#"{"alg":"none"}"#,
        r#"{"alg":"es256"}"#,
        r#"{"typ":"JWT"}"#,
        r#"{"alg":"ES256","alg":"none"}"#,
        r#"["ES256"]"#,
        "ES256",
        "",
    ] {
        let reply = with_assertion(&app, &signer.sign_under(header, &fresh())).await;
        assert_eq!(reply.status, 401, "{header}");
        reply.assert_error(401, "invalid_client");
    }
    // Without a signature, whatever the header says of it.
    for header in [r#"{"alg":"none"}"#, r#"{"alg":"ES256"}"#] {
        let unsigned = signer.sign_under(header, &fresh());
        let unsigned = unsigned.rsplit_once('.').unwrap().0.to_owned();
        for unsigned in [format!("{unsigned}."), unsigned] {
            with_assertion(&app, &unsigned).await.assert_error(401, "invalid_client");
        }
    }
}

#[rocket::async_test]
async fn j1_j3_j5_an_id_token_hint_is_an_id_token_of_ours() {
    let app = TestApp::start().await;
    let tokens = app.acme().sign_in("ada").await;
    let id = tokens.id.unwrap();
    let hinted = async |hint: &str| {
        app.get(&app.acme().authorization("app", &[("id_token_hint", hint)])).await
    };
    assert!(hinted(&id).await.location().starts_with("/t/acme/login"));
    let (head, rest) = id.split_once('.').unwrap();
    let header: Value = serde_json::from_slice(&B64.decode(head).unwrap()).unwrap();
    for changes in [
        json!({ "typ": "at+jwt" }),
        json!({ "typ": "logout+jwt" }),
        json!({ "crit": ["exp"] }),
        json!({ "alg": "none" }),
        json!({ "alg": "HS256" }),
        json!({ "typ": null }),
    ] {
        let mut header = header.clone();
        header.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let hint = format!("{}.{rest}", B64.encode(header.to_string()));
        hinted(&hint).await.assert_redirected_error("invalid_request");
    }
    hinted(&tokens.access).await.assert_redirected_error("invalid_request");
}

#[rocket::async_test]
async fn k5_a_grant_that_was_not_registered_is_unauthorized_client() {
    let app = TestApp::start().await;
    let pairs = [("grant_type", "password"), ("username", "ada"), ("password", "x")];
    app.acme().post_as_web("token", &pairs).await.assert_error(400, "unauthorized_client");
}

#[rocket::async_test]
async fn k6_guessing_a_secret_is_slowed_down_and_says_nothing() {
    let app = TestApp::start().await;
    let grant = [("grant_type", "client_credentials")];
    let unknown = app.acme().post_basic("token", &basic("nobody", "x"), &grant).await;
    let wrong = app.acme().post_basic("token", &basic("web", "x"), &grant).await;
    assert_eq!((unknown.status, &unknown.body), (wrong.status, &wrong.body));
    for _ in 0..100 {
        app.acme()
            .post_basic("token", &basic("web", "x"), &grant)
            .await
            .assert_error(401, "invalid_client");
    }
    let right = app.acme().post_as_web("token", &grant).await;
    right.assert_error(401, "invalid_client");
    assert!(right.header("retry-after").is_some());
    app.clock.advance(60);
    app.acme().post_as_web("token", &grant).await.ok();
}
