//! A request has an id, and its answer and the trail bear it.

use std::collections::HashSet;

use rocket::{
    http::{
        Header,
        Method::{self, Delete, Get, Head, Options, Post},
    },
    tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpStream,
    },
};
use serde_json::{Value, json};

use crate::support::{Agent, PASSWORD, Reply, Server, TestApp, basic, new_database};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

const URLENCODED: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

fn is_id(text: &str) -> bool {
    text.len() == 32
        && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
        && text != "0".repeat(32)
}

/// The id that an answer bears.
#[track_caller]
fn id_of(reply: &Reply) -> String {
    let ids: Vec<&str> = reply
        .headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("x-request-id"))
        .map(|(_, id)| &**id)
        .collect();
    assert!(ids.len() == 1 && is_id(ids[0]), "{reply:?}");
    ids[0].to_owned()
}

#[rocket::async_test]
async fn every_kind_of_answer_bears_an_id_of_its_own() {
    let app = TestApp::start().await;
    let large = format!("grant_type=password&x={}", "a".repeat(70_000));
    let mut seen = HashSet::new();
    let asked: [(Method, &str, &str, u16); 17] = [
        (Get, "/", "", 303),
        (Get, "/static/portcullis.css", "", 200),
        (Get, "/healthz", "", 200),
        (Get, "/t/acme/.well-known/openid-configuration", "", 200),
        (Head, "/t/acme/oauth2/jwks", "", 200),
        (Options, "/t/acme/oauth2/token", "", 204),
        (Get, "/t/acme/login", "", 200),
        (Get, "/t/acme/oauth2/authorize?client_id=nobody", "", 400),
        (Post, "/t/acme/oauth2/token", "grant_type=client_credentials", 401),
        (Post, "/t/acme/oauth2/token", "grant_type=a&grant_type=b", 400),
        (Post, "/t/acme/oauth2/token", &large, 413),
        (Get, "/t/acme/oauth2/token", "", 405),
        (Get, "/t/nobody/oauth2/jwks", "", 404),
        (Get, "/nothing", "", 404),
        (Delete, "/admin/login", "", 405),
        (Get, "/api/nothing", "", 404),
        (Get, "/api/v1/tenants", "", 401),
    ];
    for (method, path, body, status) in asked {
        let reply = app.send(method, path, &[URLENCODED], body).await;
        assert_eq!(reply.status, status, "{method} {path}: {reply:?}");
        let id = id_of(&reply);
        let media_type = reply.header("content-type").unwrap_or_default();
        if media_type.starts_with("text/html") && status >= 400 {
            assert!(
                reply.body.contains(&format!("Request id <code>{id}</code>")),
                "{}",
                reply.body
            );
        } else if media_type == "application/problem+json" {
            assert_eq!(reply.json()["request_id"], id.as_str());
        } else {
            // RFC 6749 section 5.2 names the members of an error.
            assert!(!reply.body.contains(&id), "{method} {path}: {}", reply.body);
        }
        assert!(seen.insert(id), "{method} {path}: an id of before");
    }
}

#[rocket::async_test]
async fn a_page_that_says_no_names_the_request_and_one_that_says_yes_does_not() {
    let app = TestApp::start().await;
    let mut agent = Agent::new(&app);
    agent.log_in_to_console("system", "root").await;
    let refused = agent.get("/admin/tenants/nobody").await;
    assert_eq!(refused.status, 404);
    assert!(refused.body.contains(&id_of(&refused)), "{}", refused.body);
    let shown = agent.get("/admin/tenants").await.ok();
    assert!(!shown.body.contains(&id_of(&shown)));
}

#[rocket::async_test]
async fn a_valid_traceparent_names_the_request_and_any_other_is_passed_over() {
    let app = TestApp::start().await;
    let parent = "00f067aa0ba902b7";
    let id_with = async |lines: &[String]| {
        let mut request = app.client.get("/healthz");
        for line in lines {
            request.add_header(Header::new("traceparent", line.clone()));
        }
        id_of(&Reply::read(request.dispatch().await).await)
    };
    let valid = [
        format!("00-{TRACE}-{parent}-01"),
        format!("00-{TRACE}-{parent}-00"),
        format!("cc-{TRACE}-{parent}-01"),
        // What a later version adds stands behind another dash (section 4.3).
        format!("cc-{TRACE}-{parent}-01-what-will-be"),
    ];
    for line in valid {
        assert_eq!(id_with(std::slice::from_ref(&line)).await, TRACE, "{line}");
    }
    let (zeros, upper) = ("0".repeat(32), TRACE.to_uppercase());
    let invalid = [
        String::new(),
        TRACE.to_owned(),
        format!("00-{upper}-{parent}-01"),
        format!("00-{TRACE}-{}-01", parent.to_uppercase()),
        format!("00-{zeros}-{parent}-01"),
        format!("00-{TRACE}-{}-01", "0".repeat(16)),
        format!("00-{}-{parent}-01", &TRACE[1..]),
        format!("00-+{}-{parent}-01", &TRACE[1..]),
        format!("00-{TRACE}0-{parent}-01"),
        format!("ff-{TRACE}-{parent}-01"),
        format!("FF-{TRACE}-{parent}-01"),
        format!("00-{TRACE}-{parent}-01-more"),
        format!("00-{TRACE}-{parent}-01-"),
        format!("cc-{TRACE}-{parent}-01more"),
        format!("00-{TRACE}-{parent}"),
        format!("00-{TRACE}-{parent}-zz"),
        format!("00_{TRACE}_{parent}_01"),
        format!("00-{TRACE}-{parent}-01\u{e9}"),
    ];
    for line in invalid {
        let id = id_with(std::slice::from_ref(&line)).await;
        assert!(id != TRACE && !id.contains(&TRACE[1..]), "{line:?} {id}");
    }
    let line = format!("00-{TRACE}-{parent}-01");
    assert_ne!(id_with(&[line.clone(), line]).await, TRACE, "two of them");
}

/// Everything that is answered to these bytes.
async fn raw(port: u16, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[rocket::async_test]
async fn so_does_the_listener_also_where_no_handler_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &new_database(folder.path()).await, &[]).await;
    let line = format!("traceparent: 00-{TRACE}-00f067aa0ba902b7-01\r\n");
    let of = async |port: u16, line: &str, headers: &str| {
        let request = format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
        let answer = raw(port, request.as_bytes()).await;
        let (head, _) = answer.split_once("\r\n\r\n").unwrap();
        let ids: Vec<&str> =
            head.lines().filter_map(|line| line.strip_prefix("x-request-id: ")).collect();
        assert!(ids.len() == 1 && is_id(ids[0]), "{request} {answer}");
        (head.split(' ').nth(1).unwrap().to_owned(), ids[0].to_owned())
    };
    for (port, asked, status) in [
        (server.port, "GET /healthz", "200"),
        (server.port, "GET /nothing", "404"),
        (server.port, "BREW /healthz", "400"),
        (server.management_port(), "GET /metrics", "200"),
        (server.management_port(), "GET /nothing", "404"),
    ] {
        let (answered, id) = of(port, asked, &line).await;
        assert_eq!((answered.as_str(), id.as_str()), (status, TRACE), "{asked}");
        assert_ne!(of(port, asked, "").await.1, TRACE);
        assert_ne!(of(port, asked, &format!("{line}{line}")).await.1, TRACE, "two of them");
    }
}

/// The entries of acme's trail that bear this id.
async fn of_id(app: &TestApp, id: &str) -> Vec<Value> {
    let trail = app.api(Get, "/tenants/acme/audit?limit=200", Value::Null).await.json();
    trail["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["request_id"] == id)
        .cloned()
        .collect()
}

#[rocket::async_test]
async fn the_trail_says_in_which_request_something_was_done_or_refused() {
    let app = TestApp::start().await;
    let refused = app
        .acme()
        .post_basic("token", &basic("web", "wrong"), &[("grant_type", "client_credentials")])
        .await;
    assert_eq!(refused.status, 401);
    let entries = of_id(&app, &id_of(&refused)).await;
    assert_eq!(
        (entries.len(), &entries[0]["action"]),
        (1, &json!("client.refused")),
        "{entries:?}"
    );
    let body = json!({ "username": "ada", "password": PASSWORD, "client_id": "app" });
    let done = app.acme().post_json("/auth/login", body).await.ok();
    let entries = of_id(&app, &id_of(&done)).await;
    assert_eq!(
        (entries.len(), &entries[0]["action"]),
        (1, &json!("session.started")),
        "{entries:?}"
    );
    // An administrator's doing, through the proof that the API makes.
    let done = app.api(Post, "/tenants/acme/users", json!({ "username": "new" })).await.ok();
    let entries = of_id(&app, &id_of(&done)).await;
    assert_eq!((entries.len(), &entries[0]["action"]), (1, &json!("user.created")), "{entries:?}");

    let id = id_of(&refused);
    let token = app.operator_token().await;
    let export = async |media_type: &str| {
        let headers = [("Authorization", &*format!("Bearer {token}")), ("Accept", media_type)];
        app.send(Get, "/api/v1/tenants/acme/audit?action=client.refused", &headers, "")
            .await
            .ok()
            .body
    };
    let line: Value = serde_json::from_str(export("application/x-ndjson").await.trim()).unwrap();
    assert_eq!(line["request_id"], id.as_str());
    let table = export("text/csv").await;
    let mut table = csv::Reader::from_reader(table.as_bytes());
    let column = table.headers().unwrap().iter().position(|name| name == "request_id").unwrap();
    assert_eq!(&table.records().next().unwrap().unwrap()[column], id);
    let mut agent = Agent::new(&app);
    agent.log_in_to_console("system", "root").await;
    let page = agent.get("/admin/tenants/acme/audit?action=client.refused").await.ok();
    assert!(page.body.contains(&id), "{}", page.body);
    let described = app.get("/api/openapi.json").await.json();
    let schemas = &described["components"]["schemas"];
    assert!(schemas["AuditView"]["properties"]["request_id"].is_object(), "{schemas}");
    assert!(schemas["Problem"]["properties"]["request_id"].is_object(), "{schemas}");
}

#[rocket::async_test]
async fn each_command_of_the_shell_has_an_id_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &new_database(folder.path()).await, &[]).await;
    for slug in ["one", "two"] {
        let (status, _, wrong) = server.command(&["tenant", "create", slug], "");
        assert_eq!(status, 0, "{wrong}");
    }
    let (_, token, _) = server.command(&["token", "--tenant", "system", "--scope", "admin"], "");
    let bearer = format!("Bearer {}", token.trim());
    let path = "/api/v1/tenants/system/audit?action=tenant.created&actor=shell";
    let (status, body) = server.request("GET", path, &[("Authorization", &bearer)], "").await;
    assert_eq!(status, 200, "{body}");
    let trail: Value = serde_json::from_str(&body).unwrap();
    let of = |slug: &str| {
        let entry = trail["items"].as_array().unwrap().iter().find(|entry| entry["target"] == slug);
        entry.unwrap_or_else(|| panic!("{slug}: {trail}"))["request_id"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert!(is_id(&of("one")) && is_id(&of("two")) && of("one") != of("two"), "{trail}");
}
