//! A client of which nothing was said but where it is: made at each door, it can refresh what it has and sign its
//! users out.

use rocket::http::Method;
use serde_json::json;

use crate::support::{
    Agent, CALLBACK, Server, TestApp, basic, form, new_database, write_master_key,
};

const SCOPE: &str = "openid profile email offline_access";

/// Signs ada in by a client, refreshes, and signs her out.
async fn can_refresh_and_sign_out(app: &TestApp, client_id: &str, secret: &str) {
    let acme = app.acme();
    let mut agent = Agent::new(app);
    agent.log_in(acme, "ada").await;
    let query = acme.authorization(client_id, &[("scope", "openid offline_access")]);
    let code = agent.authorize(&query).await.callback()["code"].clone();
    let mut pairs = acme.redemption(&code).to_vec();
    pairs.retain(|(name, _)| *name != "client_id");
    let tokens = acme.post_basic("token", &basic(client_id, secret), &pairs).await.tokens();
    let refresh = |token: &str| {
        let token = token.to_owned();
        async move {
            let pairs = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
            acme.post_basic("token", &basic(client_id, secret), &pairs).await
        }
    };
    let second = refresh(&tokens.refresh).await.tokens();
    assert_ne!(second.refresh, tokens.refresh);
    let hint = form(&[("id_token_hint", tokens.id.as_deref().unwrap())]);
    let done = agent.get(&acme.path(&format!("/oauth2/logout?{hint}"))).await.ok();
    assert!(done.body.contains("You are signed out"), "{}", done.body);
    refresh(&second.refresh).await.assert_error(400, "invalid_grant");
}

#[rocket::async_test]
async fn one_that_is_made_by_the_api() {
    let app = TestApp::start().await;
    let body = json!({ "client_id": "plain", "redirect_uris": [CALLBACK] });
    let made = app.api(Method::Post, "/tenants/acme/clients", body).await.json();
    assert_eq!(made["grant_types"], json!(["authorization_code", "refresh_token"]));
    assert_eq!(made["scope"].as_str().unwrap().split(' ').count(), 4);
    can_refresh_and_sign_out(&app, "plain", made["client_secret"].as_str().unwrap()).await;
}

#[rocket::async_test]
async fn one_that_is_made_in_the_console() {
    let app = TestApp::start().await;
    let mut agent = Agent::new(&app);
    agent.log_in_to_console("system", "root").await;
    let page = agent.get("/admin/tenants/acme/new-client").await.ok().body;
    // What the form holds before anybody has touched it.
    let is_checked = |name: &str| {
        let tag = page.split('<').find(|tag| tag.contains(&format!("name=\"{name}\""))).unwrap();
        tag.contains("checked")
    };
    let grants: Vec<&str> =
        ["authorization_code", "refresh_token", "client_credentials", "password"]
            .into_iter()
            .filter(|grant| is_checked(&format!("grant_{grant}")))
            .collect();
    assert_eq!(grants, ["authorization_code", "refresh_token"]);
    let scope = page.split("name=\"scope\"").nth(1).unwrap().split('>').next().unwrap();
    let scope = scope.split("value=\"").nth(1).unwrap().split('"').next().unwrap();
    let fields = [
        ("client_id", "plain"),
        ("token_endpoint_auth_method", "client_secret_basic"),
        ("grant_authorization_code", "on"),
        ("grant_refresh_token", "on"),
        ("redirect_uris", CALLBACK),
        ("scope", scope),
    ];
    let made = agent.console("/admin/tenants/acme/clients", &fields).await.ok().body;
    let secret = made.split("pcs_").nth(1).unwrap();
    let secret = secret.split(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c)).next();
    can_refresh_and_sign_out(&app, "plain", &format!("pcs_{}", secret.unwrap())).await;
}

#[rocket::async_test]
async fn one_that_a_file_names() {
    let app = TestApp::start().await;
    let secret = "a-secret-of-a-client-that-says-no-more";
    app.apply(&format!(
        "tenants: [{{ slug: acme, clients: [{{ client_id: plain, client_secret: {secret}, \
         redirect_uris: [\"{CALLBACK}\"] }}] }}]"
    ))
    .await;
    can_refresh_and_sign_out(&app, "plain", secret).await;
}

#[rocket::async_test]
async fn one_that_is_made_from_a_shell_is_as_the_others() {
    let folder = tempfile::tempdir().unwrap();
    write_master_key(folder.path());
    let database = new_database(folder.path()).await;
    let server = Server::unstarted(folder.path(), &database);
    assert_eq!(server.command(&["migrate"], "").0, 0);
    assert_eq!(server.command(&["tenant", "create", "acme"], "").0, 0);
    let create = ["client", "create", "--tenant", "acme", "--redirect-uri", CALLBACK];
    let (code, made, error) = server.command(&create, "");
    assert_eq!(code, 0, "{error}");
    for default in ["authorization_code", "refresh_token", "client_secret_basic"] {
        assert!(made.contains(default), "{default}: {made}");
    }
    assert!(SCOPE.split(' ').all(|token| made.contains(token)), "{made}");
}
