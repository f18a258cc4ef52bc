use crate::support::{Agent, TestApp, form};

#[rocket::async_test]
async fn a_client_that_shows_its_id_token_logs_the_user_out_and_gets_them_back() {
    let app = TestApp::start().await;
    let acme = app.acme();
    let mut agent = Agent::new(&app);
    agent.log_in(acme, "ada").await;
    let tokens = acme.tokens_of_web(&mut agent).await;
    let query = form(&[
        ("id_token_hint", tokens.id.as_deref().unwrap()),
        ("post_logout_redirect_uri", "https://app.example/"),
        ("state", "bye"),
    ]);
    let back = agent.get(&acme.path(&format!("/oauth2/logout?{query}"))).await.location();
    assert_eq!(back, "https://app.example/?state=bye");
    assert!(!acme.is_active(&tokens.access).await);
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str())];
    acme.post_as_web("token", &refresh).await.assert_error(400, "invalid_grant");
    let login = agent.get(&acme.authorization("web", &[])).await.location();
    assert!(login.starts_with("/t/acme/login"));
}

#[rocket::async_test]
async fn a_user_who_confirms_is_logged_out() {
    let app = TestApp::start().await;
    let mut agent = Agent::new(&app);
    agent.log_in(app.acme(), "ada").await;
    let page = agent.get("/t/acme/oauth2/logout").await.ok();
    assert!(page.body.contains("Sign out?"));
    let csrf = page.hidden("csrf_token");
    let done = agent
        .post("/t/acme/oauth2/logout", &[("csrf_token", &csrf), ("confirmed", "yes")])
        .await
        .ok();
    assert!(done.body.contains("You are signed out"));
    assert!(agent.get("/t/acme/account").await.location().starts_with("/t/acme/login"));
}

#[rocket::async_test]
async fn a_client_without_the_browser_ends_what_it_has_in_the_session_however_much_that_is() {
    let app = TestApp::start().await;
    let acme = app.acme();
    let mut agent = Agent::new(&app);
    agent.log_in(acme, "ada").await;
    let first = acme.tokens_of_web(&mut agent).await;
    let mut all = vec![first.refresh.clone()];
    for _ in 0..230 {
        all.push(acme.tokens_of_web(&mut agent).await.refresh);
    }
    let query = form(&[("id_token_hint", first.id.as_deref().unwrap())]);
    app.get(&acme.path(&format!("/oauth2/logout?{query}"))).await;
    for (at, refresh) in all.iter().enumerate() {
        let pairs = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
        let reply = acme.post_as_web("token", &pairs).await;
        assert_eq!(reply.status, 400, "the grant of number {at}");
    }
    agent.get("/t/acme/account").await.ok();
}
