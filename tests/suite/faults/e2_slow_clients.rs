//! E2, and the siblings of its root: what clients do to their connections costs nobody else anything.
//! On the real process, since Rocket's local client knows no connections.

use std::time::Duration;

use rocket::{
    futures::future::join_all,
    tokio::{
        self,
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpStream,
    },
};

use super::process::{log_in, refresh, seeded};
use crate::support::{Server, plain_http};

const HEAD: &str = "POST /t/acme/oauth2/token HTTP/1.1\r\nHost: x\r\nContent-";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

async fn opened(port: u16, first: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(first.as_bytes()).await.unwrap();
    stream
}

/// Reads until the server closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// Sends a byte now and then until the server closes.
async fn trickle(mut stream: TcpStream) -> String {
    let (mut reader, mut writer) = stream.split();
    let mut answer = Vec::new();
    let drip = async {
        while writer.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::select! {
        _ = reader.read_to_end(&mut answer) => {}
        () = drip => {}
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// One request and its answer, over a connection that stays open.
async fn exchange(stream: &mut TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\"ok\"}") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "the connection was closed");
    }
    String::from_utf8(answer).unwrap()
}

#[rocket::async_test]
async fn e2_whoever_does_not_end_a_request_is_closed_and_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let server = seeded(folder.path()).await;
    let port = server.port;
    let healthz = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut kept = opened(port, "").await;
    exchange(&mut kept, healthz).await;

    let silent = async { rest(&mut opened(port, "").await).await };
    let half_a_head = async { rest(&mut opened(port, HEAD).await).await };
    let half_a_body = async {
        let request = format!(
            "POST /t/acme/oauth2/token HTTP/1.1\r\nHost: x\r\n{FORM}Content-Length: 500\r\n\r\ngrant"
        );
        rest(&mut opened(port, &request).await).await
    };
    let drops_of_a_head = async { trickle(opened(port, HEAD).await).await };
    let drops_of_a_body = async {
        let request = format!(
            "POST /t/acme/oauth2/token HTTP/1.1\r\nHost: x\r\n{FORM}Content-Length: 500\r\n\r\ngrant"
        );
        trickle(opened(port, &request).await).await
    };
    let second_request = async {
        let mut stream = opened(port, "").await;
        exchange(&mut stream, healthz).await;
        stream.write_all(HEAD.as_bytes()).await.unwrap();
        trickle(stream).await
    };
    let crowd =
        join_all((0..200).map(|_| async move { rest(&mut opened(port, HEAD).await).await }));
    let others = async {
        let token = log_in(port).await;
        refresh(port, &token).await.expect("others are served meanwhile");
    };
    let all = async {
        tokio::join!(
            silent,
            half_a_head,
            half_a_body,
            drops_of_a_head,
            drops_of_a_body,
            second_request,
            crowd,
            others
        )
    };
    let (silent, head, body, drops, body_drops, second, crowd, ()) =
        tokio::time::timeout(Duration::from_secs(60), all)
            .await
            .expect("each slow connection is closed");
    for answer in crowd.iter().chain([&silent, &head, &body, &drops, &body_drops, &second]) {
        assert!(!answer.contains(" 200 ") && !answer.contains("HTTP/1.1 5"), "{answer}");
    }
    // One that has ended its request is in no hurry with the next.
    exchange(&mut kept, healthz).await;
}

#[rocket::async_test]
async fn e2_connections_at_the_file_limit_keep_neither_clients_nor_operators_nor_the_database_out()
{
    let folder = tempfile::tempdir().unwrap();
    let mut server = seeded(folder.path()).await;
    server.kill();
    server.restart_under("ulimit -n 256").await;
    let mut held = Vec::new();
    for at in 0..600 {
        // Some of them have had an answer, others never asked, and others ask for very much.
        let mut stream = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
        match at % 3 {
            0 => drop(exchange(&mut stream, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await),
            1 => stream
                .write_all("GET /t/none/login HTTP/1.1\r\nHost: x\r\n\r\n".repeat(300).as_bytes())
                .await
                .unwrap(),
            _ => {}
        }
        held.push(stream);
    }
    for _ in 0..5 {
        let token = log_in(server.port).await;
        refresh(server.port, &token).await.expect("a new connection is served");
        let management = plain_http(server.management_port(), "GET", "/readyz", &[], "").await;
        assert_eq!(management.map(|(status, _)| status), Some(200));
    }
    // Who floods the management address keeps no client out.
    let managers: Vec<_> = join_all((0..100).map(|_| opened(server.management_port(), ""))).await;
    let management = plain_http(server.management_port(), "GET", "/metrics", &[], "").await;
    assert_eq!(management.map(|(status, _)| status), Some(200));
    log_in(server.port).await;
    drop((held, managers));
}

#[rocket::async_test]
async fn a_stop_waits_for_those_who_are_answered_and_not_for_half_a_request() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = seeded(folder.path()).await;
    let mut held = Vec::new();
    for _ in 0..20 {
        held.push(opened(server.port, "").await);
        held.push(opened(server.port, HEAD).await);
        held.push(
            opened(server.port, &format!("{HEAD}Length: 500\r\n{FORM}\r\ngrant_type=")).await,
        );
        let mut kept = opened(server.port, "").await;
        exchange(&mut kept, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
        held.push(kept);
    }
    assert_eq!(server.terminate(), Some(0), "{}", server.log());
    assert!(!server.log().contains("cut off"), "nobody was waited for: {}", server.log());
    for stream in &mut held {
        assert_eq!(rest(stream).await, "");
    }
}

async fn raw(server: &Server, request: &str) -> String {
    rest(&mut opened(server.port, request).await).await
}

#[rocket::async_test]
async fn http_is_spoken_as_its_rfcs_have_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = seeded(folder.path()).await;
    let close = "Host: x\r\nConnection: close\r\n";
    let head = raw(&server, &format!("HEAD /healthz HTTP/1.1\r\n{close}\r\n")).await.to_lowercase();
    assert!(head.starts_with("http/1.1 200") && head.contains("content-length: 15\r\n"), "{head}");
    assert!(head.ends_with("\r\n\r\n") && head.contains("x-frame-options: deny"), "{head}");

    let twice = raw(
        &server,
        &format!("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\n{close}\r\n"),
    )
    .await;
    assert_eq!(twice.matches("{\"status\":\"ok\"}").count(), 2, "pipelined: {twice}");

    let old = raw(&server, "GET /healthz HTTP/1.0\r\n\r\n").await;
    assert!(old.starts_with("HTTP/1.0 200"), "{old}");

    let body =
        "grant_type=password&client_id=app&username=ada&password=correct+horse+battery+staple";
    let (start, end) = body.split_at(20);
    let chunks = format!("{:x}\r\n{start}\r\n{:x}\r\n{end}\r\n0\r\n\r\n", start.len(), end.len());
    let request = format!(
        "POST /t/acme/oauth2/token HTTP/1.1\r\n{close}{FORM}Transfer-Encoding: chunked\r\n\r\n{chunks}"
    );
    let chunked = raw(&server, &request).await;
    assert!(chunked.starts_with("HTTP/1.1 200") && chunked.contains("access_token"), "{chunked}");

    let length = body.len();
    let request = format!(
        "POST /t/acme/oauth2/token HTTP/1.1\r\n{close}{FORM}Expect: 100-continue\r\nContent-Length: {length}\r\n\r\n"
    );
    let mut waiting = opened(server.port, &request).await;
    let mut told = [0; 25];
    waiting.read_exact(&mut told).await.unwrap();
    assert_eq!(told.as_slice(), b"HTTP/1.1 100 Continue\r\n\r\n");
    waiting.write_all(body.as_bytes()).await.unwrap();
    assert!(rest(&mut waiting).await.starts_with("HTTP/1.1 200"));

    // As much as is read of them, and no more: what lies unread when the server closes takes its answer along.
    let huge = "a".repeat(64 * 1024 + 1);
    let endless =
        format!("GET / HTTP/1.1\r\n{close}Authorization: Bearer {}", "a".repeat(64 * 1024));
    let endless = endless[..64 * 1024].to_owned();
    for (request, expected) in [
        (format!("BREW / HTTP/1.1\r\n{close}\r\n"), "400"),
        (endless, "431"),
        (format!("GET /\u{1}\u{7f} HTTP/1.1\r\n{close}\r\n"), "400"),
        ("\r\n\r\n\r\nnonsense\r\n\r\n".to_owned(), "400"),
        (format!("CONNECT example.com:443 HTTP/1.1\r\n{close}\r\n"), "400"),
        (format!("GET http://elsewhere.example/healthz HTTP/1.1\r\n{close}\r\n"), "200"),
        (format!("OPTIONS * HTTP/1.1\r\n{close}\r\n"), "404"),
        (
            format!(
                "POST /t/acme/oauth2/token HTTP/1.1\r\n{close}{FORM}Content-Length: 65537\r\n\r\n{huge}"
            ),
            "413",
        ),
        (
            format!(
                "POST /healthz HTTP/1.1\r\n{close}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"
            ),
            "400",
        ),
    ] {
        let answer = raw(&server, &request).await;
        let line = answer.lines().next().unwrap_or_default();
        assert!(
            line.starts_with("HTTP/1.") && line.contains(expected),
            "{:.60} got {line}",
            request
        );
    }
}
