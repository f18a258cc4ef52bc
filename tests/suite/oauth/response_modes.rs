//! What goes wrong at the authorization endpoint is told in the `response_mode` that was asked for.

use rocket::http::Method;
use serde_json::json;

use crate::support::{Agent, PASSWORD, Reply, TestApp, assert_description};

const FORM_POST: (&str, &str) = ("response_mode", "form_post");

/// A form that posts itself to the client and bears an error, `state` and `iss`, and no code.
#[track_caller]
fn assert_posted_error(app: &TestApp, reply: &Reply, code: &str) {
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert!(reply.header("location").is_none());
    assert!(
        reply.body.replace("&#x2F;", "/").contains("action=\"https://app.example/callback\""),
        "{}",
        reply.body
    );
    assert_eq!(reply.hidden("error"), code, "{}", reply.body);
    assert_description(&reply.hidden("error_description"));
    assert_eq!(reply.hidden("state"), "the state");
    assert_eq!(reply.hidden("iss"), app.acme().issuer());
    assert!(!reply.body.contains("name=\"code\""));
    // Where the client's own redirects lead after the form is its own matter.
    assert!(!reply.header("content-security-policy").unwrap().contains("form-action"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
}

#[rocket::async_test]
async fn each_fault_of_a_request_is_posted_where_form_post_was_asked_for() {
    let app = TestApp::start().await;
    let acme = app.acme();
    let asked =
        |changes: &[(&str, &str)]| acme.authorization("app", &[changes, &[FORM_POST]].concat());
    for (changes, code) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", ""), "invalid_request"),
        (("scope", "reports.write"), "invalid_scope"),
        (("scope", "\u{e4}"), "invalid_scope"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("prompt", "none login"), "invalid_request"),
        (("prompt", "dance"), "invalid_request"),
        (("max_age", "soon"), "invalid_request"),
        (("id_token_hint", "x"), "invalid_request"),
        (("request", "a.b.c"), "request_not_supported"),
        (("request_uri", "https://app.example/r"), "request_uri_not_supported"),
        (("resource", "https://unknown.example"), "invalid_target"),
        (("nonce", "n".repeat(1025).as_str()), "invalid_request"),
        (("prompt", "none"), "login_required"),
    ] {
        assert_posted_error(&app, &app.get(&asked(&[changes])).await, code);
    }
    for twice in ["nonce=1", "scope=openid", "code_challenge=x", "foreign=1&foreign=2"] {
        let reply = app.get(&format!("{}&{twice}", asked(&[]))).await;
        assert_posted_error(&app, &reply, "invalid_request");
    }
}

#[rocket::async_test]
async fn what_a_user_decides_is_posted_too() {
    let app = TestApp::start().await;
    let mut agent = Agent::new(&app);
    agent.log_in(app.acme(), "ada").await;
    let request = app.acme().authorization("web", &[FORM_POST]);
    let none = app.acme().authorization("web", &[FORM_POST, ("prompt", "none")]);
    assert_posted_error(&app, &agent.get(&none).await, "consent_required");
    let consent = agent.get(&request).await.location();
    let page = agent.get(&consent).await.ok();
    let (csrf, asked) = (page.hidden("csrf_token"), page.hidden("request"));
    let fields = [("csrf_token", csrf.as_str()), ("request", asked.as_str()), ("decision", "deny")];
    assert_posted_error(&app, &agent.post("/t/acme/consent", &fields).await, "access_denied");
    app.clock.advance(100);
    let old = app.acme().authorization("app", &[FORM_POST, ("prompt", "none"), ("max_age", "60")]);
    assert_posted_error(&app, &agent.get(&old).await, "login_required");
}

#[rocket::async_test]
async fn a_fault_that_the_login_and_consent_pages_meet_is_posted_too() {
    let app = TestApp::start().await;
    let (mut stranger, mut agent) = (Agent::new(&app), Agent::new(&app));
    let asks = app.acme().authorization("web", &[FORM_POST, ("scope", "openid reports.read")]);
    let login = stranger.get(&asks).await.location();
    let (shown, csrf) = {
        let page = stranger.get(&login).await.ok();
        (page.hidden("request"), page.hidden("csrf_token"))
    };
    agent.log_in(app.acme(), "ada").await;
    let consent = agent.get(&asks).await.location();
    let (asked, token) = {
        let page = agent.get(&consent).await.ok();
        (page.hidden("request"), page.hidden("csrf_token"))
    };
    // What was right when it came is wrong by the time that the pages send it.
    app.api(Method::Patch, "/tenants/acme/clients/web", json!({ "scope": "openid" })).await.ok();
    assert_posted_error(&app, &stranger.get(&login).await, "invalid_scope");
    let fields = [
        ("csrf_token", csrf.as_str()),
        ("request", shown.as_str()),
        ("username", "ada"),
        ("password", PASSWORD),
    ];
    assert_posted_error(&app, &stranger.post("/t/acme/login", &fields).await, "invalid_scope");
    assert_posted_error(&app, &agent.get(&consent).await, "invalid_scope");
    let fields =
        [("csrf_token", token.as_str()), ("request", asked.as_str()), ("decision", "allow")];
    assert_posted_error(&app, &agent.post("/t/acme/consent", &fields).await, "invalid_scope");
}

#[rocket::async_test]
async fn a_mode_that_cannot_be_read_falls_to_the_query() {
    let app = TestApp::start().await;
    for mode in ["fragment", "FORM_POST", "form_post ", "query.jwt", "\u{e4}"] {
        let reply = app.get(&app.acme().authorization("app", &[("response_mode", mode)])).await;
        reply.assert_redirected_error("invalid_request");
        assert_eq!(reply.callback()["state"], "the state");
    }
    // Asked for twice, even if alike, it is not asked for.
    let twice =
        format!("{}&response_mode=form_post", app.acme().authorization("app", &[FORM_POST]));
    app.get(&twice).await.assert_redirected_error("invalid_request");
}

#[rocket::async_test]
async fn a_posted_request_with_a_repeated_parameter_is_told_to_the_client() {
    let app = TestApp::start().await;
    let post = async |query: String| {
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        app.send(Method::Post, "/t/acme/oauth2/authorize", &headers, query).await
    };
    let query = |changes: &[(&str, &str)]| {
        app.acme().authorization("app", changes).split_once('?').unwrap().1.to_owned()
    };
    post(query(&[]) + "&nonce=again").await.assert_redirected_error("invalid_request");
    assert_posted_error(&app, &post(query(&[FORM_POST]) + "&nonce=again").await, "invalid_request");
    // Who is not known to be a client is told nothing.
    post(query(&[]) + "&client_id=app").await.assert_page();
    post(query(&[]) + "&redirect_uri=https%3A%2F%2Fapp.example%2Fcallback").await.assert_page();
    post(query(&[]) + "&state=%zz").await.assert_page();
    let odd = app
        .send(
            Method::Post,
            "/t/acme/oauth2/authorize",
            &[("Content-Type", "text/plain")],
            query(&[]),
        )
        .await;
    odd.assert_page();
}
