//! The guard of resource servers (`guard/`) beside the real server: what is ended there is refused here.

mod endings;

use std::time::Duration;

use portcullis_guard::{Feed, Guard, Refusal, WhenBehind};
use rocket::tokio;
use serde_json::Value;

use crate::support::{Server, basic, claim, form, new_database, plain_http, write_master_key};

const API: &str = "https://api.acme.example";
const SECRET: &str = "a-secret-of-the-resource-server-itself";

fn file() -> String {
    format!(
        r#"
tenants:
  - slug: acme
    settings: {{ password_bcrypt_cost: 10 }}
    scopes: [{{ name: reports.read }}]
    resources: [{{ uri: "{API}", scopes: [reports.read] }}]
    clients:
      - {{ client_id: app, token_endpoint_auth_method: none, redirect_uris: ["https://app.example/cb"],
           grant_types: [authorization_code, refresh_token, password], scope: "openid reports.read" }}
      - {{ client_id: api, client_secret: "{SECRET}", grant_types: [client_credentials], scope: revocations }}
    users:
      - {{ username: ada, password: correct horse battery staple }}
      - {{ username: bob, password: correct horse battery staple }}
"#
    )
}

/// A claim that is a text.
fn text(token: &str, name: &str) -> String {
    claim(token, name).as_str().unwrap().to_owned()
}

/// A server, a guard of an API of its tenant, and whoever administers both.
struct House {
    server: Server,
    guard: Guard,
    operator: String,
    _folder: tempfile::TempDir,
}

async fn house(feed: impl FnOnce(Feed) -> Feed) -> House {
    let folder = tempfile::tempdir().unwrap();
    write_master_key(folder.path());
    let database = new_database(folder.path()).await;
    let server = Server::start(folder.path(), &database, &[]).await;
    let (code, _, error) = server.command(&["apply", "-f", "-"], &file());
    assert_eq!(code, 0, "{error}");
    let (code, token, error) =
        server.command(&["token", "--tenant", "system", "--scope", "admin"], "");
    assert_eq!(code, 0, "{error}");
    let guard = Guard::for_audience(API)
        .issuer(format!("{}/t/acme", server.base()))
        .follow(feed(Feed::as_client("api", SECRET)))
        .build()
        .unwrap();
    House { server, guard, operator: token.trim().to_owned(), _folder: folder }
}

impl House {
    async fn sign_in(&self, user: &str) -> (String, String) {
        let body = format!(
            r#"{{"username":"{user}","password":"correct horse battery staple","client_id":"app"}}"#
        );
        let headers = [("Content-Type", "application/json")];
        let (status, body) =
            plain_http(self.server.port, "POST", "/t/acme/auth/login", &headers, &body)
                .await
                .unwrap();
        assert_eq!(status, 200, "{body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        (text("access_token"), text("refresh_token"))
    }

    async fn administer(&self, method: &str, path: &str) {
        let bearer = format!("Bearer {}", self.operator);
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        let path = format!("/api/v1/tenants/acme{path}");
        let answer = plain_http(self.server.port, method, &path, &headers, "").await.unwrap();
        assert!(matches!(answer.0, 200..=299), "{path}: {answer:?}");
    }

    async fn revoke(&self, token: &str) {
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        let body = form(&[("token", token), ("client_id", "app")]);
        let path = "/t/acme/oauth2/revoke";
        let answer = plain_http(self.server.port, "POST", path, &headers, &body).await.unwrap();
        assert_eq!(answer.0, 200, "{answer:?}");
    }

    /// Waits until the guard says so of a token.
    async fn until(&self, token: &str, wanted: Result<(), Refusal>) {
        let said = async {
            loop {
                let said = self.guard.verify(token).await.map(|_| ());
                if said == wanted {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(30), said).await;
        let last = self.guard.verify(token).await.map(|_| ());
        assert!(in_time.is_ok(), "it says {last:?}, not {wanted:?}");
    }
}

#[rocket::async_test]
async fn what_is_ended_at_the_server_is_refused_at_the_guard_and_nothing_else() {
    let house = house(|feed| feed).await;
    let (other, _) = house.sign_in("bob").await;
    house.until(&other, Ok(())).await;
    let refused = || Err(Refusal::InvalidToken);

    let (token, _) = house.sign_in("ada").await;
    house.until(&token, Ok(())).await;
    house.administer("DELETE", &format!("/sessions/{}", text(&token, "sid"))).await;
    house.until(&token, refused()).await;

    let (token, refresh) = house.sign_in("ada").await;
    house.until(&token, Ok(())).await;
    house.revoke(&refresh).await;
    house.until(&token, refused()).await;

    let (token, _) = house.sign_in("ada").await;
    house.until(&token, Ok(())).await;
    house.revoke(&token).await;
    house.until(&token, refused()).await;

    let (token, _) = house.sign_in("ada").await;
    house.until(&token, Ok(())).await;
    house.administer("POST", &format!("/users/{}/logout", text(&token, "sub"))).await;
    house.until(&token, refused()).await;
    // What came after it counts.
    house.until(&house.sign_in("ada").await.0, Ok(())).await;
    assert_eq!(house.guard.verify(&other).await.map(|_| ()), Ok(()));

    house.administer("POST", "/clients/app/logout").await;
    house.until(&other, refused()).await;
    let (token, _) = house.sign_in("ada").await;
    house.until(&token, Ok(())).await;
    // The feed's own token ends with it, and the guard gets itself another.
    house.administer("POST", "/logout").await;
    house.until(&token, refused()).await;
    house.until(&house.sign_in("ada").await.0, Ok(())).await;
    assert!(house.guard.figures().ended >= 6);
}

#[rocket::async_test]
async fn a_guard_that_begins_later_knows_what_was_ended_before() {
    let house = house(|feed| feed).await;
    let (token, _) = house.sign_in("ada").await;
    house.administer("DELETE", &format!("/sessions/{}", text(&token, "sid"))).await;
    let guard = Guard::for_audience(API)
        .issuer(format!("{}/t/acme", house.server.base()))
        .follow(Feed::as_client("api", SECRET).polling(Duration::from_millis(20)))
        .build()
        .unwrap();
    // Until it has read what is in force it says that it cannot say.
    while guard.verify(&token).await.unwrap_err() == Refusal::Unavailable {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(guard.verify(&token).await.unwrap_err(), Refusal::InvalidToken);
}

#[rocket::async_test]
async fn y1_a_guard_that_hears_nothing_does_as_its_author_has_chosen() {
    let bound = Duration::from_secs(3);
    let mut house = house(|feed| feed.bound(bound)).await;
    let go_on = Guard::for_audience(API)
        .issuer(format!("{}/t/acme", house.server.base()))
        .follow(Feed::as_client("api", SECRET).bound(bound).when_behind(WhenBehind::GoOn))
        .build()
        .unwrap();
    let ask = Guard::for_audience(API)
        .issuer(format!("{}/t/acme", house.server.base()))
        // Nothing is ever heard in so short a time: it asks about each token.
        .follow(
            Feed::as_client("api", SECRET)
                .bound(Duration::ZERO)
                .when_behind(WhenBehind::AskIntrospection),
        )
        .build()
        .unwrap();
    let (token, _) = house.sign_in("ada").await;
    let (ended, _) = house.sign_in("ada").await;
    house.until(&token, Ok(())).await;
    go_on.verify(&token).await.unwrap();
    ask.verify(&token).await.unwrap();
    house.administer("DELETE", &format!("/sessions/{}", text(&ended, "sid"))).await;
    house.until(&ended, Err(Refusal::InvalidToken)).await;
    assert_eq!(ask.verify(&ended).await.unwrap_err(), Refusal::InvalidToken);
    assert!(ask.figures().asked_behind >= 1);

    house.server.kill();
    house.until(&token, Err(Refusal::Unavailable)).await;
    assert!(house.guard.figures().refused_behind >= 1);
    // What it knows to be ended stays so.
    assert_eq!(house.guard.verify(&ended).await.unwrap_err(), Refusal::InvalidToken);
    // It was heard a moment later than the other.
    while go_on.figures().passed_behind == 0 {
        go_on.verify(&token).await.unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(ask.verify(&token).await.unwrap_err(), Refusal::Unavailable);

    house.server.restart().await;
    house.until(&token, Ok(())).await;
    house.until(&ended, Err(Refusal::InvalidToken)).await;
    let (token, _) = house.sign_in("ada").await;
    house.administer("DELETE", &format!("/sessions/{}", text(&token, "sid"))).await;
    house.until(&token, Err(Refusal::InvalidToken)).await;
}

#[rocket::async_test]
async fn a_server_that_is_stopped_waits_for_no_stream() {
    let mut house = house(|feed| feed).await;
    let (token, _) = house.sign_in("ada").await;
    house.until(&token, Ok(())).await;
    assert_eq!(house.server.terminate(), Some(0));
    assert!(!house.server.log().contains("cut off"), "{}", house.server.log());
}

#[rocket::async_test]
async fn a_hundred_resource_servers_follow_one_tenant() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let house = house(|feed| feed).await;
    let authorization = basic("api", SECRET);
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    let form = "grant_type=client_credentials&scope=revocations";
    let (status, body) =
        plain_http(house.server.port, "POST", "/t/acme/oauth2/token", &headers, form)
            .await
            .unwrap();
    assert_eq!(status, 200, "{body}");
    let granted: Value = serde_json::from_str(&body).unwrap();
    let request = format!(
        "GET /t/acme/oauth2/revocations HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\
         Authorization: Bearer {}\r\n\r\n",
        granted["access_token"].as_str().unwrap()
    );
    let mut open = Vec::new();
    for at in 0..100 {
        let mut stream =
            tokio::net::TcpStream::connect(("127.0.0.1", house.server.port)).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = [0; 15];
        stream.read_exact(&mut head).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&head), "HTTP/1.1 200 OK", "number {at}");
        open.push(stream);
    }
}
