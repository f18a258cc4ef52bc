use rocket::http::Method;

use crate::support::{Agent, CALLBACK, PASSWORD, TestApp};

#[rocket::async_test]
async fn the_whole_flow_from_request_to_refresh() {
    let app = TestApp::start().await;
    let acme = app.acme();
    let mut agent = Agent::new(&app);
    let request = acme.authorization("web", &[]);
    let login = agent.get(&request).await.location();
    assert!(login.starts_with("/t/acme/login?request="), "{login}");
    let page = agent.get(&login).await.ok();
    assert!(page.body.contains("Web"), "the client is named");
    let (csrf, asked) = (page.hidden("csrf_token"), page.hidden("request"));
    let fields = [
        ("csrf_token", csrf.as_str()),
        ("request", asked.as_str()),
        ("username", "ada"),
        ("password", PASSWORD),
    ];
    let back = agent.post("/t/acme/login", &fields).await.location();
    assert!(back.starts_with("/t/acme/oauth2/authorize?"), "{back}");
    let consent = agent.get(&back).await.location();
    let page = agent.get(&consent).await.ok();
    assert!(page.body.contains("Read your reports"));
    let (csrf, asked) = (page.hidden("csrf_token"), page.hidden("request"));
    let fields =
        [("csrf_token", csrf.as_str()), ("request", asked.as_str()), ("decision", "allow")];
    let params = agent.post("/t/acme/consent", &fields).await.callback();
    assert_eq!(params["state"], "the state");
    assert_eq!(params["iss"], acme.issuer());

    let code = params["code"].as_str();
    let mut redemption = acme.redemption(code).to_vec();
    redemption.retain(|(name, _)| *name != "client_id");
    let tokens = acme.post_as_web("token", &redemption).await.tokens();
    assert!(acme.is_active(&tokens.access).await);
    let refreshed = acme
        .post_as_web(
            "token",
            &[("grant_type", "refresh_token"), ("refresh_token", &tokens.refresh)],
        )
        .await
        .tokens();
    assert!(acme.is_active(&refreshed.access).await);

    // The second time nobody is asked anything.
    let again = agent.get(&request).await.callback();
    assert!(again.contains_key("code"));
}

#[rocket::async_test]
async fn the_id_token_bears_nonce_session_and_the_claims_that_the_scope_opens() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let app = TestApp::start().await;
    let code = app.acme().code("app", "ada").await;
    let tokens = app.acme().redeem(&code).await.tokens();
    let id = tokens.id.unwrap();
    let payload = URL_SAFE_NO_PAD.decode(id.split('.').nth(1).unwrap()).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(claims["nonce"], "the nonce");
    assert_eq!(claims["aud"], "app");
    assert_eq!(claims["email"], "ada@acme.example");
    assert_eq!(claims["name"], "Ada Lovelace");
    assert!(
        claims["sid"].is_string() && claims["at_hash"].is_string() && claims["auth_time"].is_i64()
    );
}

#[rocket::async_test]
async fn a_scope_that_nobody_knows_is_ignored_and_one_that_is_not_the_clients_is_refused() {
    let app = TestApp::start().await;
    let acme = app.acme();
    let mut agent = Agent::new(&app);
    agent.log_in(acme, "ada").await;
    let asked = |scope: &str| acme.authorization("app", &[("scope", scope)]);
    for (scope, granted) in [
        ("openid phone reports.read", "openid reports.read"),
        ("phone address openid", "openid"),
        ("reports.read urn:example:other", "reports.read"),
        ("openid openid openid", "openid"),
        ("OPENID reports.read", "reports.read"),
    ] {
        let code = agent.authorize(&asked(scope)).await.callback()["code"].clone();
        let answer = acme.redeem(&code).await.ok().json();
        assert_eq!(answer["scope"], granted, "{scope}");
        let token = acme.introspect(answer["access_token"].as_str().unwrap()).await.json();
        assert_eq!(token["scope"], granted, "{scope}");
    }
    // Nothing of it is known; or it is known, and not this client's; or it is no scope at all.
    for scope in [
        "phone",
        "phone address",
        " ",
        "reports.write",
        "openid reports.write",
        "openid a\\b",
        "openid \u{e4}",
    ] {
        let reply = agent.get(&asked(scope)).await;
        reply.assert_redirected_error("invalid_scope");
        assert_eq!(reply.callback()["state"], "the state");
    }
    // A tenant that knows it has it granted where the client is registered for it.
    let patch = serde_json::json!({ "scopes": [{ "name": "reports.read" }, { "name": "reports.write" }, { "name": "phone" }] });
    app.api(Method::Patch, "/tenants/acme", patch).await.ok();
    agent.get(&asked("openid phone")).await.assert_redirected_error("invalid_scope");
}

#[rocket::async_test]
async fn the_consent_page_shows_what_is_known_and_the_grant_bears_no_more() {
    let app = TestApp::start().await;
    let acme = app.acme();
    let mut agent = Agent::new(&app);
    agent.log_in(acme, "ada").await;
    let request = acme.authorization("web", &[("scope", "openid phone reports.read")]);
    let page = agent.get(&request).await.location();
    let page = agent.get(&page).await.ok();
    assert!(page.body.contains("reports.read") && !page.body.contains("phone</"), "{}", page.body);
    let code = agent.authorize(&request).await.callback()["code"].clone();
    let mut pairs = acme.redemption(&code).to_vec();
    pairs.retain(|(name, _)| *name != "client_id");
    let answer = acme.post_as_web("token", &pairs).await.ok().json();
    assert_eq!(answer["scope"], "openid reports.read");
    // Nobody is asked again for what was never understood.
    assert!(agent.get(&request).await.callback().contains_key("code"));
}

#[rocket::async_test]
async fn a_user_who_says_no_sends_access_denied() {
    let app = TestApp::start().await;
    let mut agent = Agent::new(&app);
    agent.log_in(app.acme(), "ada").await;
    let consent = agent.get(&app.acme().authorization("web", &[])).await.location();
    let page = agent.get(&consent).await.ok();
    let fields = [
        ("csrf_token", page.hidden("csrf_token")),
        ("request", page.hidden("request")),
        ("decision", "deny".to_owned()),
    ];
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let reply = agent.post("/t/acme/consent", &fields).await;
    reply.assert_redirected_error("access_denied");
    assert_eq!(reply.callback()["state"], "the state");
    assert!(app.audited("acme", "consent.denied").await);
}

#[rocket::async_test]
async fn form_post_sends_the_response_in_a_form() {
    let app = TestApp::start().await;
    let mut agent = Agent::new(&app);
    agent.log_in(app.acme(), "ada").await;
    let reply =
        agent.get(&app.acme().authorization("app", &[("response_mode", "form_post")])).await.ok();
    assert!(
        reply.body.contains("action=\"https:&#x2F;&#x2F;app.example")
            || reply.body.contains("action=\"https://app.example")
    );
    assert!(!reply.hidden("code").is_empty());
    let policy = reply.header("content-security-policy").unwrap();
    assert!(!policy.contains("form-action") && policy.contains("default-src 'none'"), "{policy}");
}

#[rocket::async_test]
async fn prompts_and_max_age_are_kept() {
    let app = TestApp::start().await;
    let acme = app.acme();
    let mut agent = Agent::new(&app);
    agent.log_in(acme, "ada").await;
    for prompt in ["login", "select_account"] {
        let location =
            agent.get(&acme.authorization("app", &[("prompt", prompt)])).await.location();
        assert!(location.starts_with("/t/acme/login"), "{prompt}: {location}");
    }
    let consent = agent.get(&acme.authorization("app", &[("prompt", "consent")])).await.location();
    assert!(consent.starts_with("/t/acme/consent"));
    app.clock.advance(100);
    let old = agent.get(&acme.authorization("app", &[("max_age", "60")])).await.location();
    assert!(old.starts_with("/t/acme/login"));
    let young = agent.get(&acme.authorization("app", &[("max_age", "1000")])).await;
    assert!(young.callback().contains_key("code"));
}

#[rocket::async_test]
async fn a_login_that_was_asked_for_is_asked_for_once() {
    let app = TestApp::start().await;
    let mut agent = Agent::new(&app);
    agent.log_in(app.acme(), "ada").await;
    let login = agent
        .get(&app.acme().authorization("app", &[("prompt", "login"), ("max_age", "0")]))
        .await
        .location();
    let page = agent.get(&login).await.ok();
    let (csrf, asked) = (page.hidden("csrf_token"), page.hidden("request"));
    let fields = [
        ("csrf_token", csrf.as_str()),
        ("request", asked.as_str()),
        ("username", "ada"),
        ("password", PASSWORD),
    ];
    let back = agent.post("/t/acme/login", &fields).await.location();
    assert!(agent.get(&back).await.callback().contains_key("code"));
}

#[rocket::async_test]
async fn a_redirect_uri_that_was_not_given_need_not_be_repeated() {
    let app = TestApp::start().await;
    let acme = app.acme();
    let mut agent = Agent::new(&app);
    agent.log_in(acme, "ada").await;
    let request = acme.authorization("other", &[("redirect_uri", ""), ("scope", "openid")]);
    let code = agent.authorize(&request).await.callback()["code"].clone();
    let pairs = [
        ("grant_type", "authorization_code"),
        ("client_id", "other"),
        ("client_secret", crate::support::SECRET),
        ("code", code.as_str()),
        ("code_verifier", crate::support::VERIFIER),
    ];
    acme.post("token", &pairs).await.ok();
}

#[rocket::async_test]
async fn a_redirect_uri_that_was_given_must_be_repeated() {
    let app = TestApp::start().await;
    let code = app.acme().code("app", "ada").await;
    let mut pairs = app.acme().redemption(&code).to_vec();
    pairs.retain(|(name, _)| *name != "redirect_uri");
    app.acme().post("token", &pairs).await.assert_error(400, "invalid_grant");
    let mut pairs = app.acme().redemption(&code).to_vec();
    for other in [
        "https://app.example/other",
        "https://APP.example/callback",
        "https://app.example:443/callback",
    ] {
        pairs[3].1 = other;
        app.acme().post("token", &pairs).await.assert_error(400, "invalid_grant");
    }
    app.acme().redeem(&code).await.ok();
}

#[rocket::async_test]
async fn a_posted_request_goes_on_as_a_get() {
    let app = TestApp::start().await;
    let body = format!("response_type=code&client_id=app&redirect_uri={CALLBACK}");
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    let reply = app.send(Method::Post, "/t/acme/oauth2/authorize", &headers, body).await;
    assert!(reply.location().starts_with("/t/acme/oauth2/authorize?"));
}
