//! A and R rows: the authorization endpoint and its redirect URIs; P rows: PKCE.

use rocket::http::Method;
use serde_json::json;

use crate::support::{Agent, PASSWORD, TestApp, VERIFIER};

#[rocket::async_test]
async fn a1_an_unknown_client_or_a_bad_redirect_gets_a_page() {
    let app = TestApp::start().await;
    for changes in [
        [("client_id", "nobody")],
        [("client_id", "")],
        [("redirect_uri", "https://evil.example/")],
        [("redirect_uri", "")],
    ] {
        let reply = app.get(&app.acme().authorization("web", &changes)).await;
        if changes[0] == ("redirect_uri", "") {
            // Two are registered, so leaving it out is ambiguous.
            reply.assert_page();
            continue;
        }
        reply.assert_page();
        assert_eq!(reply.json_or_page(), "page");
    }
    assert!(app.audited("acme", "authorize.refused").await);
}

impl crate::support::Reply {
    fn json_or_page(&self) -> &'static str {
        if self.body.starts_with("<!doctype html>") { "page" } else { "json" }
    }
}

#[rocket::async_test]
async fn a2_other_response_types_are_unsupported() {
    let app = TestApp::start().await;
    for kind in ["token", "id_token", "code token"] {
        let reply = app.get(&app.acme().authorization("app", &[("response_type", kind)])).await;
        reply.assert_redirected_error("unsupported_response_type");
    }
    app.get(&app.acme().authorization("app", &[("response_type", "")]))
        .await
        .assert_redirected_error("invalid_request");
}

#[rocket::async_test]
async fn a3_a_parameter_given_twice_is_an_invalid_request() {
    let app = TestApp::start().await;
    let good = app.acme().authorization("app", &[]);
    for twice in ["scope=openid", "nonce=x", "code_challenge=x"] {
        let reply = app.get(&format!("{good}&{twice}")).await;
        reply.assert_redirected_error("invalid_request");
    }
    for twice in ["client_id=app", "redirect_uri=https%3A%2F%2Fapp.example%2Fcallback"] {
        app.get(&format!("{good}&{twice}")).await.assert_page();
    }
}

#[rocket::async_test]
async fn a4_an_unknown_response_mode_is_an_invalid_request() {
    let app = TestApp::start().await;
    for mode in ["fragment", "web_message", "jwt"] {
        let reply = app.get(&app.acme().authorization("app", &[("response_mode", mode)])).await;
        reply.assert_redirected_error("invalid_request");
    }
}

#[rocket::async_test]
async fn a5_what_a_request_says_is_escaped_on_pages() {
    let app = TestApp::start().await;
    let script = "<script>alert(1)</script>";
    let login = app
        .get(&app.acme().authorization("app", &[("login_hint", script), ("state", script)]))
        .await
        .location();
    let page = app.get(&login).await.ok();
    assert!(!page.body.contains("<script>"));
    let page = app.get(&app.acme().authorization(script, &[])).await;
    page.assert_page();
    assert!(!page.body.contains("<script>"));
}

#[rocket::async_test]
async fn a6_iss_is_in_every_response() {
    let app = TestApp::start().await;
    let mut agent = Agent::new(&app);
    agent.log_in(app.acme(), "ada").await;
    let success = agent.get(&app.acme().authorization("app", &[])).await.callback();
    let error = agent.get(&app.acme().authorization("app", &[("scope", "nope")])).await.callback();
    assert_eq!(success["iss"], app.acme().issuer());
    assert_eq!(error["iss"], app.acme().issuer());
    assert_eq!(error["error"], "invalid_scope");
}

#[rocket::async_test]
async fn a7_prompt_none_shows_nothing() {
    let app = TestApp::start().await;
    let request = app.acme().authorization("web", &[("prompt", "none")]);
    app.get(&request).await.assert_redirected_error("login_required");
    let mut agent = Agent::new(&app);
    agent.log_in(app.acme(), "ada").await;
    agent.get(&request).await.assert_redirected_error("consent_required");
    let both = agent.get(&app.acme().authorization("web", &[("prompt", "none login")])).await;
    both.assert_redirected_error("invalid_request");
}

#[rocket::async_test]
async fn a8_a_login_is_answered_with_303() {
    let app = TestApp::start().await;
    let mut agent = Agent::new(&app);
    assert_eq!(agent.log_in(app.acme(), "ada").await.status, 303);
}

#[rocket::async_test]
async fn a9_no_page_may_be_framed() {
    let app = TestApp::start().await;
    for path in ["/t/acme/login", "/admin/login", "/t/acme/oauth2/logout", "/t/nowhere/login"] {
        let reply = app.get(path).await;
        assert!(
            reply.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert_eq!(reply.header("x-frame-options"), Some("DENY"));
    }
}

#[rocket::async_test]
async fn a10_no_parameter_leads_a_login_elsewhere() {
    let app = TestApp::start().await;
    for name in ["next", "return_to", "redirect", "request"] {
        for target in
            ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)"]
        {
            let mut agent = Agent::new(&app);
            let page = agent.get("/t/acme/login").await.ok();
            let csrf = page.hidden("csrf_token");
            let fields = [
                ("csrf_token", csrf.as_str()),
                ("username", "ada"),
                ("password", PASSWORD),
                (name, target),
            ];
            let reply = agent.post("/t/acme/login", &fields).await;
            let location = reply.header("location").unwrap_or("/t/acme/").to_owned();
            assert!(location.starts_with("/t/acme/"), "{name}={target}: {location}");
        }
    }
}

#[rocket::async_test]
async fn a11_a_consent_that_was_not_asked_for_is_refused() {
    let app = TestApp::start().await;
    let mut agent = Agent::new(&app);
    agent.log_in(app.acme(), "ada").await;
    let consent = agent.get(&app.acme().authorization("web", &[])).await.location();
    let request = agent.get(&consent).await.ok().hidden("request");
    for token in ["", "AAAA"] {
        let fields = [("csrf_token", token), ("request", request.as_str()), ("decision", "allow")];
        assert_eq!(agent.post("/t/acme/consent", &fields).await.status, 403);
    }
    let csrf = agent.get(&consent).await.ok().hidden("csrf_token");
    let fields =
        [("csrf_token", csrf.as_str()), ("request", request.as_str()), ("decision", "allow")];
    assert_eq!(agent.post_cross_site("/t/acme/consent", &fields).await.status, 403);
    // A token that another browser was shown is worth nothing in this one.
    let mut victim = Agent::new(&app);
    victim.log_in(app.acme(), "grace").await;
    assert_eq!(victim.post("/t/acme/consent", &fields).await.status, 403);
    assert!(app.audited("acme", "csrf").await);
}

#[rocket::async_test]
async fn a12_every_request_is_decided_anew() {
    let app = TestApp::start().await;
    let mut agent = Agent::new(&app);
    agent.log_in(app.acme(), "ada").await;
    let request = app.acme().authorization("app", &[]);
    assert!(agent.get(&request).await.callback().contains_key("code"));
    let users = app.api(Method::Get, "/tenants/acme/users?q=ada", json!(null)).await.json();
    let path = format!("/tenants/acme/users/{}", users["items"][0]["id"].as_str().unwrap());
    app.api(Method::Patch, &path, json!({ "status": "disabled" })).await.ok();
    assert!(agent.get(&request).await.location().starts_with("/t/acme/login"));
}

#[rocket::async_test]
async fn a12_a_consent_page_that_stood_open_does_not_get_round_max_age() {
    let app = TestApp::start().await;
    let mut agent = Agent::new(&app);
    agent.log_in(app.acme(), "ada").await;
    let consent =
        agent.get(&app.acme().authorization("web", &[("max_age", "60")])).await.location();
    let page = agent.get(&consent).await.ok();
    let (csrf, request) = (page.hidden("csrf_token"), page.hidden("request"));
    app.clock.advance(61);
    let fields =
        [("csrf_token", csrf.as_str()), ("request", request.as_str()), ("decision", "allow")];
    let reply = agent.post("/t/acme/consent", &fields).await;
    assert!(reply.location().starts_with("/t/acme/login?request="));
    // Nor does a page that was never shown: the request is sealed.
    for asks in [
        format!("{request}&prompt=login"),
        request.replacen('.', "A.", 1),
        "client_id=web".to_owned(),
    ] {
        let fields =
            [("csrf_token", csrf.as_str()), ("request", asks.as_str()), ("decision", "allow")];
        assert_eq!(agent.post("/t/acme/consent", &fields).await.status, 400, "{asks}");
    }
}

#[rocket::async_test]
async fn a12_a_sign_in_goes_on_in_its_own_browser_and_tenant_and_not_for_ever() {
    let app = TestApp::start().await;
    let mut agent = Agent::new(&app);
    let login = agent.get(&app.acme().authorization("web", &[])).await.location();
    let request = agent.get(&login).await.ok().hidden("request");
    let csrf = agent.get(&login).await.ok().hidden("csrf_token");
    let fields = [
        ("csrf_token", csrf.as_str()),
        ("request", request.as_str()),
        ("username", "ada"),
        ("password", PASSWORD),
    ];
    let proved = agent.post("/t/acme/login", &fields).await.location();
    // What somebody has proved is theirs: in another browser it is worth nothing, whoever is signed in there.
    let mut other = Agent::new(&app);
    other.log_in(app.acme(), "ada").await;
    assert_eq!(other.get(&proved).await.status, 400);
    assert!(agent.get(&proved).await.location().starts_with("/t/acme/consent?"));
    assert_eq!(agent.get(&login.replace("/t/acme/", "/t/globex/")).await.status, 400);
    app.clock.advance(3599);
    agent.get(&login).await.ok();
    app.clock.advance(1);
    assert_eq!(agent.get(&login).await.status, 400);
}

#[rocket::async_test]
async fn a12_a_prompt_that_was_asked_for_cannot_be_taken_out() {
    let app = TestApp::start().await;
    let mut agent = Agent::new(&app);
    agent.log_in(app.acme(), "ada").await;
    let plain = agent.get(&app.acme().authorization("web", &[])).await.location();
    let asks = agent.get(&app.acme().authorization("web", &[("prompt", "login")])).await.location();
    let sealed = asks.split_once('=').unwrap().1;
    assert!(
        plain.starts_with("/t/acme/consent?") && asks.starts_with("/t/acme/login?"),
        "{plain} {asks}"
    );
    for page in ["consent?request", "oauth2/authorize?interaction"] {
        let reply = agent.get(&format!("/t/acme/{page}={sealed}")).await;
        assert!(reply.location().starts_with("/t/acme/login?"), "{page}");
    }
}

#[rocket::async_test]
async fn r1_r2_r3_no_spelling_of_a_redirect_uri_slips_through() {
    let app = TestApp::start().await;
    for uri in [
        "https://app.example/callback/",
        "https://app.example/callback?x=1",
        "https://app.example/CALLBACK",
        "https://APP.example/callback",
        "https://app.example/callback/..;/x",
        "https://app.example/x/../callback",
        "https://app.example:443/callback",
        "https://app.example@evil.example/callback",
        "https://app.example@@evil.example/callback",
        "https://app.example.evil.example/callback",
        "https://evil.example/callback#https://app.example/callback",
        "http://localhost:8080/cb",
        "http://127.0.0.2/cb",
        "http://127.0.0.1:99999/cb",
        "http://127.0.0.1:1@evil.example/cb",
        "http://[::1]/cb",
    ] {
        app.get(&app.acme().authorization("app", &[("redirect_uri", uri)])).await.assert_page();
    }
    let native = app
        .get(&app.acme().authorization("app", &[("redirect_uri", "http://127.0.0.1:49152/cb")]))
        .await;
    assert!(native.location().starts_with("/t/acme/login"));
}

#[rocket::async_test]
async fn r4_r5_dangerous_and_wildcard_redirects_cannot_be_registered() {
    let app = TestApp::start().await;
    for uri in [
        "jAvAsCrIpT:alert(1)",
        "data:text/html,x",
        "https://*.example/",
        "https://app.example/.*",
        "vbscript:x",
    ] {
        for field in ["redirect_uris", "post_logout_redirect_uris"] {
            let body = json!({ "client_id": "x", field: [uri], "grant_types": [] });
            let reply = app.api(Method::Post, "/tenants/acme/clients", body).await;
            reply.assert_problem(400);
            assert_eq!(reply.json()["field"], format!("{field}[0]"));
        }
    }
}

#[rocket::async_test]
async fn p1_a_request_without_s256_is_invalid() {
    let app = TestApp::start().await;
    for changes in [
        [("code_challenge", "")],
        [("code_challenge_method", "plain")],
        [("code_challenge_method", "")],
        [("code_challenge", "short")],
    ] {
        let reply = app.get(&app.acme().authorization("app", &changes)).await;
        reply.assert_redirected_error("invalid_request");
    }
}

#[rocket::async_test]
async fn p2_p3_a_code_is_worth_nothing_without_its_verifier() {
    let app = TestApp::start().await;
    let code = app.acme().code("app", "ada").await;
    for verifier in ["", "wrong", "x".repeat(43).as_str(), &VERIFIER[1..]] {
        let mut pairs = app.acme().redemption(&code).to_vec();
        pairs[4].1 = verifier;
        app.acme().post("token", &pairs).await.assert_error(400, "invalid_grant");
    }
    app.acme().redeem(&code).await.ok();
}

#[rocket::async_test]
async fn q2_requests_by_reference_are_refused_and_not_fetched() {
    let app = TestApp::start().await;
    let uri = app.acme().authorization("app", &[("request_uri", "http://127.0.0.1:1/x")]);
    app.get(&uri).await.assert_redirected_error("request_uri_not_supported");
    let object = app.acme().authorization("app", &[("request", "a.b.c")]);
    app.get(&object).await.assert_redirected_error("request_not_supported");
}
