//! What stands in the log of a running server, and what does not.

use std::{
    os::unix::fs::PermissionsExt as _,
    sync::{Arc, Mutex},
};

use portcullis::{
    domain::RevocationEvent,
    storage::{CommitListener, Pool, Storage},
};
use rocket::tokio::{self, time::Duration};
use serde_json::Value;
use tracing::Instrument as _;

use crate::support::{
    SECRET, Server, TestApp, basic, head_in_redis, new_database, on_postgres, service,
    write_master_key,
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

const URLENCODED: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// What must stand in no line: each is sent somewhere in [`send_secrets`].
const SECRETS: [&str; 6] = [
    "in-the-query",
    "in-the-path",
    "in-a-cookie",
    "in-a-header",
    "in-the-body",
    "in-the-user-agent",
];

/// A server with a tenant and a client, and with these settings.
async fn server(folder: &std::path::Path, settings: &[(&str, &str)]) -> Server {
    let server = Server::start(folder, &new_database(folder).await, settings).await;
    let file = format!(
        "tenants: [{{ slug: acme, clients: [{{ client_id: robot, client_secret: {SECRET}, \
         grant_types: [client_credentials] }}] }}]"
    );
    let (status, _, wrong) = server.command(&["apply", "-f", "-"], &file);
    assert_eq!(status, 0, "{wrong}");
    server
}

/// Requests, each with something that is nobody else's to read. Answers how many there were.
async fn send_secrets(server: &Server) -> usize {
    let authorization = basic("robot", "in-a-header");
    let forged = "203.0.113.9 INFO access: forged";
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Cookie", "portcullis_session=in-a-cookie"),
        ("User-Agent", "in-the-user-agent"),
        ("X-Forwarded-For", forged),
        URLENCODED,
    ];
    let body = "grant_type=client_credentials&client_assertion=in-the-body";
    let asked = [
        ("POST", "/t/acme/oauth2/token?code=in-the-query"),
        ("GET", "/in-the-path%0a2026-01-01T00:00:00Z%20INFO%20access:%20forged"),
        ("GET", "/t/acme/oauth2/authorize?client_id=in-the-query%0aforged"),
        ("GET", "/t/in-the-path/oauth2/jwks"),
        ("GET", "/api/v1/tenants/acme/clients/in-the-path"),
        ("IN-THE-PATH", "/healthz"),
    ];
    for (method, path) in asked {
        server.request(method, path, &headers, body).await;
    }
    asked.len()
}

/// The log's lines, once `is_there` says that they are.
async fn lines_with(server: &Server, is_there: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let mut lines = Vec::new();
    for _ in 0..100 {
        // What the commands and the greeting say is no JSON.
        lines = server.log().lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        if is_there(&lines) {
            return lines;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not in the log: {lines:#?}");
}

fn is_access(line: &Value) -> bool {
    line["target"] == "access"
}

#[rocket::async_test]
async fn each_request_has_its_line_where_that_is_switched_on_and_no_secret_in_it() {
    let folder = tempfile::tempdir().unwrap();
    // Whatever is kept beside them, these lines are.
    let settings = [
        ("PORTCULLIS_ACCESS_LOG", "true"),
        ("PORTCULLIS_LOG_FORMAT", "json"),
        ("PORTCULLIS_LOG", "warn"),
    ];
    let server = server(folder.path(), &settings).await;
    let traceparent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let authorization = basic("robot", SECRET);
    let headers = [("traceparent", &*traceparent), ("Authorization", &*authorization), URLENCODED];
    let grant = "grant_type=client_credentials";
    let (status, body) = server.request("POST", "/t/acme/oauth2/token?x=y", &headers, grant).await;
    assert_eq!(status, 200, "{body}");
    let sent = send_secrets(&server).await;
    let is_readiness = |line: &Value| line["fields"]["route"] == "/readyz";
    let lines = lines_with(&server, |lines| {
        lines.iter().filter(|line| is_access(line) && !is_readiness(line)).count() == sent + 1
    });
    let lines = lines.await;
    let lines: Vec<&Value> =
        lines.iter().filter(|line| is_access(line) && !is_readiness(line)).collect();
    // A line may be written after the next request has come.
    let line = lines.iter().find(|line| line["fields"]["request_id"] == TRACE).unwrap();
    let fields = line["fields"].as_object().unwrap();
    assert_eq!(line["level"], "INFO");
    assert_eq!(
        (&fields["ip"], &fields["method"]),
        (&Value::from("127.0.0.1"), &Value::from("POST"))
    );
    assert_eq!(
        (&fields["route"], &fields["tenant"]),
        (&"/t/<_>/oauth2/token".into(), &Value::from("acme"))
    );
    assert_eq!(
        (&fields["status"], &fields["bytes"]),
        (&Value::from(200), &Value::from(body.len()))
    );
    assert!(fields["milliseconds"].is_u64(), "{line}");
    assert_eq!(fields.len(), 9, "nothing beside: {line}");
    assert_eq!(
        lines.iter().filter(|line| line["fields"]["status"] == 404).count(),
        2,
        "{lines:#?}"
    );
    for secret in SECRETS.into_iter().chain(["forged", SECRET, "IN-THE-PATH"]) {
        // A tenant that there is not is told by the name that was asked for, which can be no other.
        let told = lines.iter().filter(|line| line["fields"]["tenant"] != secret);
        let told: Vec<String> = told.map(ToString::to_string).collect();
        assert!(!told.iter().any(|line| line.contains(secret)), "{secret}: {told:#?}");
    }
}

#[rocket::async_test]
async fn no_request_has_a_line_where_that_is_not_asked_for_and_none_can_write_one() {
    let folder = tempfile::tempdir().unwrap();
    // A name that would begin a line, were it written as it is: whoever starts the server is warned of it.
    let key = folder.path().join("master\n2026-01-01 \u{1b}[31mforged.key");
    std::fs::copy(write_master_key(folder.path()), &key).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let settings = [
        ("PORTCULLIS_LOG", "debug,access=trace"),
        ("PORTCULLIS_MASTER_KEY_FILE", key.to_str().unwrap()),
    ];
    let server = server(folder.path(), &settings).await;
    send_secrets(&server).await;
    // That is the last thing to be logged, so all the others have been.
    server
        .request(
            "POST",
            "/t/acme/oauth2/token",
            &[URLENCODED],
            "grant_type=refresh_token&client_id=the+last",
        )
        .await;
    for _ in 0..100 {
        if server.log().contains("the last") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let log = server.log();
    assert!(log.contains("the last") && log.contains("request_id="), "{log}");
    assert!(log.contains("master 2026-01-01  [31mforged.key"), "{log}");
    for line in log.lines() {
        assert!(!line.contains("access: "), "{line}");
        assert!(!line.starts_with("2026-01-01") && !line.contains('\u{1b}'), "{line}");
    }
    for secret in ["in-a-header", "in-a-cookie", "in-the-body", "in-the-user-agent", SECRET] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

#[rocket::async_test]
async fn what_is_logged_on_the_way_of_a_request_bears_its_id_route_tenant_and_client() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path(), &[("PORTCULLIS_LOG_FORMAT", "json")]).await;
    let traceparent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let authorization = basic("robot", "wrong");
    let headers = [("traceparent", &*traceparent), ("Authorization", &*authorization), URLENCODED];
    let (status, _) = server
        .request("POST", "/t/acme/oauth2/token", &headers, "grant_type=client_credentials")
        .await;
    assert_eq!(status, 401);
    let is_refusal = |line: &Value| line["fields"]["message"] == "a request was refused";
    let lines = lines_with(&server, |lines| lines.iter().any(is_refusal)).await;
    let span = &lines.iter().find(|line| is_refusal(line)).unwrap()["span"];
    for (field, value) in [
        ("name", "request"),
        ("request_id", TRACE),
        ("method", "POST"),
        ("route", "/t/<_>/oauth2/token"),
        ("tenant", "acme"),
        ("client", "robot"),
    ] {
        assert_eq!(span[field], value, "{field}: {span}");
    }
    assert!(!lines.iter().any(is_access), "it is off where nobody asks for it");
}

/// Notes in which span it hears of a commit.
#[derive(Clone, Default)]
struct Spy(Arc<Mutex<Vec<Option<&'static str>>>>);

#[async_trait::async_trait]
impl CommitListener for Spy {
    async fn committed(&self, _: &[RevocationEvent]) {
        let name = tracing::Span::current().metadata().map(tracing::Metadata::name);
        self.0.lock().unwrap().push(name);
    }
}

#[test]
fn a_commit_which_goes_on_by_itself_is_still_its_requests() {
    // A subscriber of this runtime's threads alone: the other tests go on without.
    let dispatch = tracing::Dispatch::new(tracing_subscriber::registry());
    let begin = move || std::mem::forget(tracing::dispatcher::set_default(&dispatch));
    begin();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .on_thread_start(begin)
        .build()
        .unwrap();
    runtime.block_on(async {
        let app = TestApp::start().await;
        let storage = Storage::new(Pool::open(app.config.database_url(), 2).await.unwrap());
        let spy = Spy::default();
        storage.listen(Arc::new(spy.clone()));
        let head = storage.read_installation().await.unwrap().head().await.unwrap();
        let span = tracing::error_span!("request");
        storage.begin_epoch(head).instrument(span).await.unwrap();
        assert_eq!(*spy.0.lock().unwrap(), [Some("request")]);
    });
}

/// The highest number that Redis knows of the installation at `url`, and the last one that there is.
async fn heads(url: &str) -> (i64, i64) {
    let storage = Storage::new(Pool::open(url, 1).await.unwrap());
    let mut unit = storage.read_installation().await.unwrap();
    let (head, installation) = (unit.head().await.unwrap(), unit.installation().await.unwrap());
    let known = head_in_redis(installation).await;
    (known.map_or(0, |text| text.parse().unwrap()), head.0)
}

#[rocket::async_test]
async fn what_another_process_has_changed_is_no_error_of_redis() {
    // SQLite needs no Redis.
    if !on_postgres() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let redis = service("REDIS");
    let settings = [("PORTCULLIS_REDIS_URL", redis.as_str()), ("PORTCULLIS_LOG", "warn")];
    let server = server(folder.path(), &settings).await;
    // Each is heard of by itself: nothing is ended, so Redis has nothing but the number to hear.
    for name in ["one", "two", "three"] {
        let file = format!("tenants: [{{ slug: acme, name: {name} }}]");
        let (status, _, wrong) = server.command(&["apply", "-f", "-"], &file);
        assert_eq!(status, 0, "{wrong}");
        let mut known = heads(server.database()).await;
        for _ in 0..100 {
            if known.0 >= known.1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            known = heads(server.database()).await;
        }
        assert_eq!(known.0, known.1, "{}", server.log());
    }
    assert!(!server.log().contains("did not reach Redis"), "{}", server.log());
}
