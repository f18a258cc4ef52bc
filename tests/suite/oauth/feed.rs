//! The feed of a tenant's endings, as a resource server reads it.

use rocket::{
    http::{Header, Method},
    local::asynchronous::LocalResponse,
    tokio::io::{AsyncBufReadExt as _, BufReader, Lines},
};
use serde_json::{Value, json};

use crate::support::{Reply, SECRET, TestApp, TestTenant, Tokens, basic, claim, on_four_threads};

/// A client that may follow what is ended, beside those that there are.
const FILE: &str = r#"
tenants:
  - slug: acme
    clients: [{ client_id: api, client_secret: "a-secret-for-tests-of-the-web-client",
                grant_types: [client_credentials], scope: "revocations reports.read" }]
  - slug: globex
    clients: [{ client_id: api, client_secret: "a-secret-for-tests-of-the-web-client",
                grant_types: [client_credentials], scope: "revocations reports.read" }]
"#;

async fn start() -> TestApp {
    let app = TestApp::start().await;
    app.apply(FILE).await;
    app
}

async fn token_for(tenant: TestTenant<'_>, scope: &str) -> String {
    let pairs = [("grant_type", "client_credentials"), ("scope", scope)];
    let reply = tenant.post_basic("token", &basic("api", SECRET), &pairs).await;
    reply.ok().json()["access_token"].as_str().unwrap().to_owned()
}

async fn read(tenant: TestTenant<'_>, query: &str) -> Reply {
    let token = token_for(tenant, "revocations").await;
    tenant.bearer(Method::Get, &format!("/oauth2/revocations{query}"), &token).await
}

/// The kinds and subjects of a page.
fn told(page: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let events = page["events"].as_array().unwrap();
    events.iter().map(|event| (text(&event["kind"]), text(&event["id"]))).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[rocket::async_test]
async fn it_is_for_a_clients_own_token_with_that_scope_at_its_own_tenant() {
    let app = start().await;
    let feed = "/oauth2/revocations";
    app.get("/t/acme/oauth2/revocations").await.assert_error(401, "invalid_token");
    app.acme().bearer(Method::Get, feed, "a.b.c").await.assert_error(401, "invalid_token");
    let other_scope = token_for(app.acme(), "reports.read").await;
    let refused = app.acme().bearer(Method::Get, feed, &other_scope).await;
    refused.assert_error(403, "insufficient_scope");
    let globex = token_for(app.globex(), "revocations").await;
    app.acme().bearer(Method::Get, feed, &globex).await.assert_error(404, "not_found");
    app.globex().bearer(Method::Get, feed, &globex).await.ok();
    let of_user = app.acme().sign_in("ada").await.access;
    let refused = app.acme().bearer(Method::Get, feed, &of_user).await;
    refused.assert_error(403, "insufficient_scope");
}

#[rocket::async_test]
async fn no_user_carries_its_scope_though_the_client_may_ask_for_it() {
    let app = start().await;
    let file = r#"
tenants:
  - slug: acme
    clients: [{ client_id: app, scope: "openid offline_access reports.read revocations" }]
"#;
    app.apply(file).await;
    let token = app.acme().sign_in("ada").await.access;
    assert!(!text(&claim(&token, "scope")).contains("revocations"));
}

#[rocket::async_test]
async fn each_ending_is_told_with_what_tokens_bear() {
    let app = start().await;
    let acme = app.acme();
    let begin = read(acme, "").await.ok().json();
    let [one, two, three, four] = [
        acme.sign_in("ada").await,
        acme.sign_in("ada").await,
        acme.sign_in("ada").await,
        acme.sign_in("grace").await,
    ];
    let sid = text(&claim(&one.access, "sid"));
    app.api(Method::Delete, &format!("/tenants/acme/sessions/{sid}"), Value::Null).await.ok();
    let revoke = |token: String| async move {
        acme.post("revoke", &[("token", token.as_str()), ("client_id", "app")]).await.ok();
    };
    revoke(two.refresh.clone()).await;
    revoke(three.access.clone()).await;
    let sub = text(&claim(&four.access, "sub"));
    let users = format!("/tenants/acme/users/{sub}/logout");
    app.api(Method::Post, &users, json!({})).await.ok();
    app.api(Method::Post, "/tenants/acme/clients/app/logout", json!({})).await.ok();
    app.api(Method::Post, "/tenants/acme/logout", json!({})).await.ok();

    let after = format!("?after={}", text(&begin["next"]));
    let page = read(acme, &after).await.ok().json();
    let tenant = app.permit("acme").await.tenant().id.to_string();
    let expected = [
        ("session", sid),
        ("grant", text(&claim(&two.access, "gid"))),
        ("token", text(&claim(&three.access, "jti"))),
        ("user", sub),
        ("client", "app".to_owned()),
        ("tenant", tenant),
    ]
    .map(|(kind, id)| (kind.to_owned(), id));
    assert_eq!(told(&page), expected);
    let numbers: Vec<i64> = page["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["n"].as_i64().unwrap())
        .collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    // A token that was made before the ending of its user is below its number, and one made after is not.
    assert!(claim(&four.access, "rev").as_i64().unwrap() < numbers[3]);
    let after = acme.sign_in("grace").await.access;
    assert!(claim(&after, "rev").as_i64().unwrap() >= numbers[3]);
    assert_eq!(page["next"], page["head"].to_string());
    assert!(told(&read(acme, &format!("?after={}", text(&page["next"]))).await.json()).is_empty());
    assert!(told(&read(app.globex(), "").await.json()).iter().all(|(_, id)| *id != sid_of(&one)));
}

fn sid_of(tokens: &Tokens) -> String {
    text(&claim(&tokens.access, "sid"))
}

#[rocket::async_test]
async fn pages_go_on_where_the_one_before_ended_and_lose_nothing() {
    let app = start().await;
    let acme = app.acme();
    let mut cursor = text(&read(acme, "").await.json()["next"]);
    let mut ended = Vec::new();
    for _ in 0..7 {
        let tokens = acme.sign_in("ada").await;
        acme.bearer(Method::Post, "/auth/logout", &tokens.access).await;
        // Another tenant's lie in between.
        let other = app.globex().sign_in("ada").await;
        app.globex().bearer(Method::Post, "/auth/logout", &other.access).await;
        ended.push(("session".to_owned(), sid_of(&tokens)));
    }
    let mut seen = Vec::new();
    for _ in 0..8 {
        let page = read(acme, &format!("?after={cursor}&limit=3")).await.ok().json();
        assert!(page["events"].as_array().unwrap().len() <= 3);
        seen.extend(told(&page));
        cursor = text(&page["next"]);
    }
    assert_eq!(seen, ended);
    // What is in force is the same without a cursor.
    assert!(told(&read(acme, "?limit=1000").await.json()).ends_with(&ended));
}

#[rocket::async_test]
async fn a_cursor_that_is_none_is_refused_and_one_of_other_numbers_is_gone() {
    let app = start().await;
    for query in ["?after=x", "?after=-1", "?limit=0", "?limit=many", "?after=1&after=2"] {
        read(app.acme(), query).await.assert_error(400, "invalid_request");
    }
    read(app.acme(), "?after=999999").await.assert_error(410, "invalid_request");
    read(app.acme(), "?after=1099511627776").await.assert_error(410, "invalid_request");
}

/// A stream that is read line by line.
struct Stream<'a>(Lines<BufReader<LocalResponse<'a>>>);

async fn follow<'a>(app: &'a TestApp, token: &str, last: Option<&str>) -> Stream<'a> {
    let mut request = app.client.get("/t/acme/oauth2/revocations");
    request.add_header(Header::new("Authorization", format!("Bearer {token}")));
    request.add_header(Header::new("Accept", "text/event-stream"));
    if let Some(last) = last {
        request.add_header(Header::new("Last-Event-ID", last.to_owned()));
    }
    let response = request.dispatch().await;
    assert_eq!(response.status().code, 200);
    assert_eq!(response.headers().get_one("Content-Type"), Some("text/event-stream"));
    Stream(BufReader::new(response).lines())
}

impl Stream<'_> {
    /// The next event: its id, and what it says. `None` at the end.
    async fn event(&mut self) -> Option<(String, Value)> {
        let (mut id, mut data) = (None, None);
        while let Some(line) = self.0.next_line().await.unwrap() {
            match line.split_once(':') {
                Some(("id", text)) => id = Some(text.trim().to_owned()),
                Some(("data", text)) => data = Some(serde_json::from_str(text).unwrap()),
                _ if line.is_empty() && data.is_some() => {
                    return Some((id.unwrap(), data.unwrap()));
                }
                _ => {}
            }
        }
        None
    }

    /// The next sign of life.
    async fn breath(&mut self) {
        while let Some(line) = self.0.next_line().await.unwrap() {
            if line.starts_with(':') {
                return;
            }
            assert!(line.is_empty(), "{line}");
        }
        panic!("the stream ended");
    }
}

async fn end_one(app: &TestApp) -> String {
    let tokens = app.acme().sign_in("ada").await;
    app.acme().bearer(Method::Post, "/auth/logout", &tokens.access).await;
    sid_of(&tokens)
}

#[test]
fn a_stream_tells_of_what_is_in_force_and_then_as_it_comes() {
    on_four_threads(async {
        let app = start().await;
        let before = end_one(&app).await;
        let token = token_for(app.acme(), "revocations").await;
        let mut stream = follow(&app, &token, None).await;
        let mut seen = String::new();
        while seen != before {
            seen = text(&stream.event().await.unwrap().1["id"]);
        }
        stream.breath().await;
        for _ in 0..3 {
            let ended = end_one(&app).await;
            let (id, event) = stream.event().await.unwrap();
            assert_eq!((text(&event["id"]), event["n"].to_string()), (ended, id));
        }
    });
}

#[test]
fn a_stream_goes_on_after_the_last_event_and_ends_with_its_token() {
    on_four_threads(async {
        let app = start().await;
        let token = token_for(app.acme(), "revocations").await;
        let first = end_one(&app).await;
        let page = read(app.acme(), "").await.json();
        assert_eq!(told(&page).last().unwrap().1, first);
        let last = page["events"].as_array().unwrap().last().unwrap()["n"].to_string();
        let missed = [end_one(&app).await, end_one(&app).await];
        let mut stream = follow(&app, &token, Some(&last)).await;
        for ended in missed {
            assert_eq!(text(&stream.event().await.unwrap().1["id"]), ended);
        }
        app.clock.advance(901);
        assert_eq!(stream.event().await, None);
    });
}

#[test]
fn a_stream_ends_where_its_client_is_ended() {
    on_four_threads(async {
        let app = start().await;
        let token = token_for(app.acme(), "revocations").await;
        let mut stream = follow(&app, &token, None).await;
        stream.breath().await;
        app.api(Method::Post, "/tenants/acme/clients/api/logout", json!({})).await.ok();
        while let Some((_, event)) = stream.event().await {
            assert_eq!(event["id"], "api");
        }
    });
}

#[test]
fn many_who_follow_hear_each_ending_once_and_one_who_does_not_read_holds_up_nobody() {
    on_four_threads(async {
        let app = start().await;
        let token = token_for(app.acme(), "revocations").await;
        let last = text(&read(app.acme(), "").await.json()["next"]);
        let silent = follow(&app, &token, Some(&last)).await;
        let mut streams = Vec::new();
        for _ in 0..20 {
            streams.push(follow(&app, &token, Some(&last)).await);
        }
        let mut ended = Vec::new();
        // More than are kept for those who do not take them.
        for _ in 0..100 {
            ended.push(end_one(&app).await);
        }
        streams.push(silent);
        for stream in &mut streams {
            for ended in &ended {
                assert_eq!(text(&stream.event().await.unwrap().1["id"]), *ended);
            }
        }
    });
}

#[test]
fn a_stream_breathes_while_others_end_what_is_theirs() {
    on_four_threads(async {
        let app = start().await;
        let token = token_for(app.acme(), "revocations").await;
        let last = text(&read(app.acme(), "").await.json()["next"]);
        let mut stream = follow(&app, &token, Some(&last)).await;
        let others = async {
            loop {
                let tokens = app.globex().sign_in("ada").await;
                app.globex().bearer(Method::Post, "/auth/logout", &tokens.access).await;
            }
        };
        rocket::tokio::select! {
            () = others => {}
            () = async { for _ in 0..3 { stream.breath().await } } => {}
        }
    });
}

#[rocket::async_test]
async fn what_is_in_force_in_a_restored_database_begins_with_its_own_numbers() {
    let app = start().await;
    for _ in 0..3 {
        end_one(&app).await;
    }
    let before = read(app.acme(), "").await.json();
    assert!(told(&before).len() >= 3);
    let known = portcullis::domain::EventNumber(before["head"].as_i64().unwrap());
    app.site.app.storage.begin_epoch(known).await.unwrap();
    app.follow().await;
    // However small the pages are, the first does not lead back to numbers that are gone.
    let page = read(app.acme(), "?limit=1").await.ok().json();
    let tenant = app.permit("acme").await.tenant().id.to_string();
    assert_eq!(told(&page), [("tenant".to_owned(), tenant)]);
    let after = format!("?limit=1&after={}", text(&page["next"]));
    assert!(told(&read(app.acme(), &after).await.ok().json()).is_empty());
    let old = format!("?after={}", text(&before["next"]));
    read(app.acme(), &old).await.assert_error(410, "invalid_request");
}

#[test]
fn what_is_ended_at_another_node_is_told_here() {
    on_four_threads(async {
        let app = start().await;
        let other = app.another_node().await;
        let token = token_for(app.acme(), "revocations").await;
        let last = text(&read(app.acme(), "").await.json()["next"]);
        let mut stream = follow(&app, &token, Some(&last)).await;
        for _ in 0..3 {
            let ended = end_one(&other).await;
            assert_eq!(text(&stream.event().await.unwrap().1["id"]), ended);
            let ended = end_one(&app).await;
            assert_eq!(text(&stream.event().await.unwrap().1["id"]), ended);
        }
    });
}
