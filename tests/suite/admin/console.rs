use crate::support::{Agent, SECRET, TestApp, basic};

#[rocket::async_test]
async fn an_operator_makes_a_tenant_a_client_and_a_user() {
    let app = TestApp::start().await;
    let mut agent = Agent::new(&app);
    assert_eq!(agent.log_in_to_console("system", "root").await.location(), "/admin");
    assert_eq!(agent.get("/admin").await.location(), "/admin/tenants");
    let made = agent
        .console("/admin/tenants", &[("slug", "initech"), ("name", "Initech")])
        .await
        .location();
    assert_eq!(made, "/admin/tenants/initech?done=created");
    assert!(agent.get(&made).await.ok().body.contains("The tenant was made"));
    let fields = [
        ("client_id", "tps"),
        ("client_name", "TPS"),
        ("token_endpoint_auth_method", "client_secret_basic"),
        ("grant_client_credentials", "on"),
        ("scope", ""),
    ];
    let secret = agent.console("/admin/tenants/initech/clients", &fields).await.ok();
    assert!(secret.body.contains("pcs_"), "the secret is shown once");
    assert!(!agent.get("/admin/tenants/initech/clients/tps").await.ok().body.contains("pcs_"));
    let fields = [
        ("username", "peter"),
        ("password", "a password of peter"),
        ("active", "on"),
        ("role_support", "on"),
    ];
    let user = agent.console("/admin/tenants/initech/users", &fields).await.location();
    assert!(agent.get(&user).await.ok().body.contains("peter"));
    for page in
        ["", "/sessions", "/users", "/clients", "/keys", "/audit", "/new-client", "/new-user"]
    {
        agent.get(&format!("/admin/tenants/initech{page}")).await.ok();
    }
}

#[rocket::async_test]
async fn a_form_that_is_wrong_comes_back_as_it_was_typed() {
    let app = TestApp::start().await;
    let mut agent = Agent::new(&app);
    agent.log_in_to_console("system", "root").await;
    let wrong = agent.console("/admin/tenants", &[("slug", "Not A Slug"), ("name", "N")]).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.body.contains("Not A Slug") && wrong.body.contains("role=\"alert\""));
    let fields = [
        ("client_id", "c"),
        ("redirect_uris", "http://evil.example/"),
        ("grant_authorization_code", "on"),
        ("token_endpoint_auth_method", "none"),
        ("scope", "openid"),
    ];
    let wrong = agent.console("/admin/tenants/acme/clients", &fields).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.body.contains("evil.example"));
    let taken =
        agent.console("/admin/tenants/acme/users", &[("username", "ada"), ("active", "on")]).await;
    assert_eq!(taken.status, 409);
    let changed = agent
        .console("/admin/tenants/acme", &[("name", "Acme"), ("access_token_ttl", "soon")])
        .await;
    assert_eq!(changed.status, 400);
}

#[rocket::async_test]
async fn sessions_are_seen_and_ended_with_the_figures_first() {
    let app = TestApp::start().await;
    let tokens = app.acme().sign_in("ada").await;
    let mut agent = Agent::new(&app);
    agent.log_in_to_console("acme", "grace").await;
    let list = agent.get("/admin/tenants/acme/sessions?user=ada").await.ok();
    assert!(list.body.contains("first_party") && list.body.contains("ada"));
    let me = app.acme().bearer(rocket::http::Method::Get, "/auth/me", &tokens.access).await.json();
    let user = me["sub"].as_str().unwrap();
    agent.get(&format!("/admin/tenants/acme/sessions/{}", me["sid"].as_str().unwrap())).await.ok();
    let confirm = agent.get(&format!("/admin/tenants/acme/users/{user}/logout")).await.ok();
    assert!(confirm.body.contains("<strong>1</strong> live session"));
    let csrf = confirm.hidden("csrf_token");
    let ended = agent
        .post(&format!("/admin/tenants/acme/users/{user}/logout"), &[("csrf_token", &csrf)])
        .await
        .location();
    let page = agent.get(&ended).await.ok();
    assert!(page.body.contains("1 session and 1 token family ended"), "{}", page.body);
    assert!(!app.acme().is_active(&tokens.access).await);
}

#[rocket::async_test]
async fn roles_bound_what_the_console_offers_and_does() {
    let app = TestApp::start().await;
    let mut auditor = Agent::new(&app);
    auditor.log_in_to_console("acme", "alan").await;
    let page = auditor.get("/admin/tenants/acme/clients").await.ok();
    assert!(!page.body.contains("New client"));
    assert_eq!(auditor.get("/admin/tenants/acme/new-client").await.status, 403);
    assert_eq!(auditor.get("/admin/tenants/acme/logout").await.status, 403);
    assert_eq!(auditor.get("/admin/tenants/globex").await.status, 404);
    assert_eq!(auditor.get("/admin/tenants").await.status, 403);
    let mut support = Agent::new(&app);
    support.log_in_to_console("acme", "sam").await;
    assert_eq!(support.get("/admin/tenants/acme/logout").await.status, 403);
    assert_eq!(support.get("/admin/tenants/acme/new-user").await.status, 403);
    let mut nobody = Agent::new(&app);
    assert_eq!(nobody.log_in_to_console("acme", "ada").await.status, 403);
    assert_eq!(nobody.get("/admin/tenants/acme").await.location(), "/admin/login");
}

#[rocket::async_test]
async fn keys_rotate_and_an_administrator_signs_out() {
    let app = TestApp::start().await;
    let mut agent = Agent::new(&app);
    agent.log_in_to_console("acme", "grace").await;
    let page = agent.get("/admin/tenants/acme/keys").await.ok();
    let csrf = page.hidden("csrf_token");
    let rotated = agent
        .post("/admin/tenants/acme/keys/rotate", &[("csrf_token", &csrf), ("confirmed", "yes")])
        .await
        .location();
    assert!(agent.get(&rotated).await.ok().body.contains("retiring"));
    assert_eq!(
        agent.post("/admin/logout", &[("csrf_token", &csrf)]).await.location(),
        "/admin/login"
    );
    assert_eq!(agent.get("/admin").await.location(), "/admin/login");
}

#[rocket::async_test]
async fn a_user_sees_and_ends_their_own_sessions() {
    let app = TestApp::start().await;
    let tokens = app.acme().sign_in("ada").await;
    let mut agent = Agent::new(&app);
    agent.log_in(app.acme(), "ada").await;
    let page = agent.get("/t/acme/account").await.ok();
    assert!(
        page.body.contains("Ada Lovelace")
            && page.body.contains("this one")
            && page.body.contains("app")
    );
    let csrf = page.hidden("csrf_token");
    let gone =
        agent.post("/t/acme/account/sessions/all/end", &[("csrf_token", &csrf)]).await.location();
    assert_eq!(gone, "/t/acme/account");
    assert!(!app.acme().is_active(&tokens.access).await);
    assert_eq!(agent.get("/t/acme/account").await.location(), "/t/acme/login");
}

#[rocket::async_test]
async fn a_clients_page_tells_its_developers_what_it_was_refused_and_what_to_change() {
    let app = TestApp::start().await;
    let acme = app.acme();
    // A secret in the wrong place, a wrong redirect URI, a grant that it lacks; and another client's refusal.
    let in_body =
        [("grant_type", "client_credentials"), ("client_id", "web"), ("client_secret", SECRET)];
    acme.post("token", &in_body).await.assert_error(401, "invalid_client");
    app.get(&acme.authorization("web", &[("redirect_uri", "https://elsewhere.example/")])).await;
    acme.post_as_web("token", &[("grant_type", "password")]).await;
    acme.post_basic("token", &basic("robot", "wrong"), &[("grant_type", "client_credentials")])
        .await;

    let mut agent = Agent::new(&app);
    agent.log_in_to_console("acme", "alan").await;
    let page = agent.get("/admin/tenants/acme/clients/web").await.ok();
    let refused = page.body.split("Refused of late").nth(1).unwrap();
    let refused = refused.split("<h2>").next().unwrap();
    for told in [
        "it used client_secret_post, and is registered for client_secret_basic",
        "register the method that the program uses",
        "this redirect_uri is not registered for the client",
        "register the redirect URI that the program sends",
        "grant type not registered",
    ] {
        assert!(refused.contains(told), "{told}: {refused}");
    }
    assert!(!refused.contains("wrong secret"), "another client's: {refused}");
    for told in [
        acme.issuer().as_str(),
        "/oauth2/token",
        "portcullis client try --tenant acme web",
        "openid-client",
    ] {
        assert!(page.body.contains(told), "{told}");
    }
    // Its own script and no other may run.
    assert!(page.header("content-security-policy").unwrap().contains("script-src 'self'"));
    assert!(!page.body.contains(SECRET));
}
