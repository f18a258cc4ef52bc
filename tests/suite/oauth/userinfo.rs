use rocket::http::Method;

use crate::support::TestApp;

#[rocket::async_test]
async fn userinfo_tells_what_the_scope_opens() {
    let app = TestApp::start().await;
    let tokens = app.acme().sign_in("ada").await;
    for method in [Method::Get, Method::Post] {
        let headers = [
            ("Authorization", format!("Bearer {}", tokens.access)),
            ("Content-Type", "application/x-www-form-urlencoded".to_owned()),
        ];
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let told = app.send(method, "/t/acme/oauth2/userinfo", &headers, "").await.ok().json();
        assert_eq!(told["email"], "ada@acme.example");
        assert_eq!(told["name"], "Ada Lovelace");
    }
    let in_body =
        app.acme().post("userinfo", &[("access_token", &tokens.access)]).await.ok().json();
    assert_eq!(in_body["preferred_username"], "ada");
}

#[rocket::async_test]
async fn userinfo_refuses_with_a_challenge() {
    let app = TestApp::start().await;
    let none = app.get("/t/acme/oauth2/userinfo").await;
    none.assert_error(401, "invalid_token");
    assert!(none.header("www-authenticate").unwrap().starts_with("Bearer error=\"invalid_token\""));
    let machine =
        app.acme().post_as_web("token", &[("grant_type", "client_credentials")]).await.tokens();
    let reply = app.acme().bearer(Method::Get, "/oauth2/userinfo", &machine.access).await;
    reply.assert_error(403, "insufficient_scope");
}
