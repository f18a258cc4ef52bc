//! A real browser, with and without scripts, at the pages and the console.

use thirtyfour::{ChromiumLikeCapabilities as _, prelude::*};

use crate::support::{
    CHALLENGE, Server, VERIFIER, form, free_port, new_database, service, write_master_key,
};

fn fixture(callback: &str) -> String {
    format!(
        r#"
tenants:
  - slug: acme
    name: Acme
    settings: {{ password_bcrypt_cost: 10 }}
    scopes: [{{ name: reports.read, description: Read your reports }}]
    clients:
      - client_id: web
        client_name: Acme Web
        token_endpoint_auth_method: none
        redirect_uris: ["{callback}"]
        grant_types: [authorization_code, refresh_token]
        scope: "openid profile reports.read"
    users: [{{ username: ada, name: Ada Lovelace, password: correct horse battery staple }}]
  - slug: system
    name: Operators
    settings: {{ password_bcrypt_cost: 10 }}
    users: [{{ username: root, name: Root, password: correct horse battery staple, roles: [operator] }}]
"#
    )
}

/// A server in `folder`, whose client `web` is called back at `callback`.
async fn serving(folder: &std::path::Path, callback: &str) -> Server {
    write_master_key(folder);
    let database = new_database(folder).await;
    let server = Server::start(folder, &database, &[]).await;
    let (code, _, error) = server.command(&["apply", "-f", "-"], &fixture(callback));
    assert_eq!(code, 0, "{error}");
    server
}

pub(crate) async fn browser(scripts: bool) -> WebDriver {
    let mut capabilities = DesiredCapabilities::chrome();
    for argument in [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1200,900",
    ] {
        capabilities.add_arg(argument).unwrap();
    }
    if !scripts {
        capabilities
            .add_experimental_option(
                "prefs",
                serde_json::json!({ "profile.managed_default_content_settings.javascript": 2 }),
            )
            .unwrap();
    }
    WebDriver::new(&service("WEBDRIVER"), capabilities).await.unwrap()
}

/// Keeps a picture of the page where the one who runs the tests asks for it.
pub(crate) async fn picture(driver: &WebDriver, name: &str) {
    if let Ok(folder) = std::env::var("PORTCULLIS_TEST_PICTURES") {
        driver
            .screenshot(&std::path::Path::new(&folder).join(format!("{name}.png")))
            .await
            .unwrap();
    }
}

/// The element, once the page that has it is there: a click does not wait for what it leads to.
pub(crate) async fn find(driver: &WebDriver, by: By) -> WebElement {
    for _ in 0..200 {
        if let Ok(element) = driver.find(by.clone()).await {
            return element;
        }
        rocket::tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{by:?}: {}", driver.source().await.unwrap());
}

pub(crate) async fn fill(driver: &WebDriver, id: &str, text: &str) {
    let field = find(driver, By::Id(id)).await;
    field.clear().await.unwrap();
    field.send_keys(text).await.unwrap();
}

pub(crate) async fn press(driver: &WebDriver, text: &str) {
    find(driver, By::XPath(format!("//*[self::button or self::a][normalize-space()='{text}']")))
        .await
        .click()
        .await
        .unwrap();
}

/// Waits for a page that says `text`.
pub(crate) async fn sees(driver: &WebDriver, text: &str) {
    find(driver, By::XPath(format!("//body[contains(normalize-space(.), '{text}')]"))).await;
}

/// Answers everything at `port` with `answer`.
async fn answering(port: u16, answer: String) {
    use rocket::tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    rocket::tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
}

/// A client's callback address: it answers anything with a page.
async fn callback_server(port: u16) {
    let body = "<!doctype html><title>client</title>back at the client";
    let length = body.len();
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n");
    answering(port, format!("{head}Connection: close\r\n\r\n{body}")).await;
}

/// One that leads on to another address.
async fn redirecting_server(port: u16, to: String) {
    let head = format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n");
    answering(port, format!("{head}Connection: close\r\n\r\n")).await;
}

#[rocket::async_test]
async fn a_person_signs_in_consents_and_an_operator_ends_their_session() {
    let folder = tempfile::tempdir().unwrap();
    let client_port = free_port();
    let callback = format!("http://127.0.0.1:{client_port}/callback");
    callback_server(client_port).await;
    let server = serving(folder.path(), &callback).await;

    let query = form(&[
        ("response_type", "code"),
        ("client_id", "web"),
        ("redirect_uri", &callback),
        ("scope", "openid profile reports.read"),
        ("state", "s"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    let driver = browser(false).await;
    driver.goto(format!("{}/t/acme/oauth2/authorize?{query}", server.base())).await.unwrap();
    picture(&driver, "login").await;
    fill(&driver, "username", "ada").await;
    fill(&driver, "password", "wrong password").await;
    press(&driver, "Sign in").await;
    sees(&driver, "do not go together").await;
    fill(&driver, "password", "correct horse battery staple").await;
    press(&driver, "Sign in").await;
    sees(&driver, "Read your reports").await;
    picture(&driver, "consent").await;
    press(&driver, "Allow").await;
    sees(&driver, "back at the client").await;
    let url = driver.current_url().await.unwrap();
    let params: std::collections::HashMap<String, String> =
        url.query_pairs().into_owned().collect();
    assert_eq!(params["state"], "s");
    assert_eq!(params["iss"], format!("{}/t/acme", server.base()));
    let body = form(&[
        ("grant_type", "authorization_code"),
        ("client_id", "web"),
        ("code", &params["code"]),
        ("redirect_uri", &callback),
        ("code_verifier", VERIFIER),
    ]);
    let urlencoded = [("Content-Type", "application/x-www-form-urlencoded")];
    let (status, body) = server.request("POST", "/t/acme/oauth2/token", &urlencoded, &body).await;
    assert_eq!(status, 200, "{body}");
    let refresh = serde_json::from_str::<serde_json::Value>(&body).unwrap()["refresh_token"]
        .as_str()
        .unwrap()
        .to_owned();
    driver.goto(format!("{}/t/acme/account", server.base())).await.unwrap();
    sees(&driver, "Where you are signed in").await;
    picture(&driver, "account").await;

    driver.goto(format!("{}/admin", server.base())).await.unwrap();
    sees(&driver, "Console").await;
    picture(&driver, "console-login").await;
    fill(&driver, "username", "root").await;
    fill(&driver, "password", "correct horse battery staple").await;
    press(&driver, "Sign in").await;
    sees(&driver, "New tenant").await;
    picture(&driver, "tenants").await;
    press(&driver, "acme").await;
    sees(&driver, "live session").await;
    picture(&driver, "tenant").await;
    press(&driver, "Users").await;
    sees(&driver, "New user").await;
    picture(&driver, "users").await;
    press(&driver, "Clients").await;
    press(&driver, "web").await;
    sees(&driver, "Redirect URIs").await;
    picture(&driver, "client").await;
    press(&driver, "Sessions").await;
    sees(&driver, "Last seen").await;
    picture(&driver, "sessions").await;
    press(&driver, "End…").await;
    sees(&driver, "1 live session").await;
    picture(&driver, "confirm").await;
    press(&driver, "End now").await;
    sees(&driver, "1 session and 1 token family ended").await;
    picture(&driver, "ended").await;
    press(&driver, "Audit").await;
    sees(&driver, "session.forced_logout").await;
    picture(&driver, "audit").await;
    press(&driver, "Keys").await;
    sees(&driver, "Signing keys").await;
    picture(&driver, "keys").await;
    press(&driver, "Rotate").await;
    sees(&driver, "Rotate the signing keys of").await;
    picture(&driver, "question").await;
    press(&driver, "Cancel").await;
    sees(&driver, "Signing keys").await;
    press(&driver, "Clients").await;
    press(&driver, "web").await;
    press(&driver, "Delete client").await;
    sees(&driver, "Type web to go on").await;
    picture(&driver, "typed-question").await;
    press(&driver, "Cancel").await;
    sees(&driver, "Redirect URIs").await;

    let body =
        form(&[("grant_type", "refresh_token"), ("client_id", "web"), ("refresh_token", &refresh)]);
    let (status, body) = server.request("POST", "/t/acme/oauth2/token", &urlencoded, &body).await;
    assert!(status == 400 && body.contains("invalid_grant"), "{status} {body}");
    driver.goto(format!("{}/t/acme/account", server.base())).await.unwrap();
    assert!(
        driver.current_url().await.unwrap().path().ends_with("/login"),
        "the browser's session has ended too"
    );
    driver.quit().await.unwrap();
}

#[rocket::async_test]
async fn a_page_is_used_with_the_keyboard_alone_and_form_post_needs_no_click_where_scripts_run() {
    let folder = tempfile::tempdir().unwrap();
    let client_port = free_port();
    let callback = format!("http://127.0.0.1:{client_port}/callback");
    callback_server(client_port).await;
    let server = serving(folder.path(), &callback).await;
    let query = form(&[
        ("response_type", "code"),
        ("client_id", "web"),
        ("redirect_uri", &callback),
        ("scope", "openid"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("response_mode", "form_post"),
    ]);
    let driver = browser(true).await;
    driver.goto(format!("{}/t/acme/oauth2/authorize?{query}", server.base())).await.unwrap();
    // The name field has the focus; Tab and Enter do the rest.
    let active = driver.active_element().await.unwrap();
    active.send_keys("ada" + Key::Tab).await.unwrap();
    driver
        .active_element()
        .await
        .unwrap()
        .send_keys("correct horse battery staple" + Key::Enter)
        .await
        .unwrap();
    sees(&driver, "Acme Web").await;
    find(&driver, By::Css("button[value=allow]")).await.send_keys("" + Key::Enter).await.unwrap();
    sees(&driver, "back at the client").await;
    // Every field of the console's login has a label, and every page a language and one heading.
    driver.goto(format!("{}/admin/login", server.base())).await.unwrap();
    for field in driver.find_all(By::Css("input:not([type=hidden])")).await.unwrap() {
        let id = field.attr("id").await.unwrap().unwrap();
        driver.find(By::Css(format!("label[for={id}]"))).await.unwrap();
    }
    assert_eq!(driver.find_all(By::Tag("h1")).await.unwrap().len(), 1);
    driver.quit().await.unwrap();
}

#[rocket::async_test]
async fn a_client_whose_callback_leads_on_to_another_origin_is_followed_there() {
    let folder = tempfile::tempdir().unwrap();
    let (client_port, elsewhere) = (free_port(), free_port());
    let callback = format!("http://127.0.0.1:{client_port}/callback");
    // Another port and another host: another origin and another site.
    redirecting_server(client_port, format!("http://localhost:{elsewhere}/welcome")).await;
    callback_server(elsewhere).await;
    let server = serving(folder.path(), &callback).await;
    let query = form(&[
        ("response_type", "code"),
        ("client_id", "web"),
        ("redirect_uri", &callback),
        ("scope", "openid"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    let driver = browser(false).await;
    driver.goto(format!("{}/t/acme/oauth2/authorize?{query}", server.base())).await.unwrap();
    fill(&driver, "username", "ada").await;
    fill(&driver, "password", "correct horse battery staple").await;
    // Both forms lead on to it: the login's where consent is given already, and the consent's.
    press(&driver, "Sign in").await;
    press(&driver, "Allow").await;
    sees(&driver, "back at the client").await;
    assert_eq!(driver.current_url().await.unwrap().port(), Some(elsewhere));
    driver.delete_all_cookies().await.unwrap();
    driver.goto(format!("{}/t/acme/login", server.base())).await.unwrap();
    driver.delete_all_cookies().await.unwrap();
    driver.goto(format!("{}/t/acme/oauth2/authorize?{query}", server.base())).await.unwrap();
    fill(&driver, "username", "ada").await;
    fill(&driver, "password", "correct horse battery staple").await;
    press(&driver, "Sign in").await;
    sees(&driver, "back at the client").await;
    assert_eq!(driver.current_url().await.unwrap().port(), Some(elsewhere));
    driver.quit().await.unwrap();
}
