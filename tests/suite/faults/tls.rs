//! TLS of our own: the certificate in the file is the one that is shown, also after it has changed.

use std::{path::Path, process::Command};

use crate::support::{Server, free_port, new_database, write_master_key};

/// A certificate for 127.0.0.1 that signs itself.
fn certify(folder: &Path, name: &str) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args([
            "-days",
            "2",
            "-subj",
            &format!("/CN={name}"),
            "-addext",
            "subjectAltName=IP:127.0.0.1",
        ])
        .args(["-keyout", "key.pem.new", "-out", "cert.pem.new"])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for file in ["key.pem", "cert.pem"] {
        std::fs::rename(folder.join(format!("{file}.new")), folder.join(file)).unwrap();
    }
}

/// What curl says to a server whose certificate it trusts alone.
fn curl(server: &Server, trusted: &Path, path: &str) -> (i32, String) {
    let done = Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "5", "--cacert"])
        .arg(trusted)
        .arg(format!("https://127.0.0.1:{}{path}", server.port))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    (done.status.code().unwrap_or(-1), text)
}

#[rocket::async_test]
async fn another_certificate_is_shown_without_a_restart_and_a_broken_one_never() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write_master_key(at);
    certify(at, "first");
    std::fs::copy(at.join("cert.pem"), at.join("first.pem")).unwrap();
    let port = free_port();
    let base = format!("https://127.0.0.1:{port}");
    let mut server = Server::unstarted(at, &new_database(at).await)
        .with("PORTCULLIS_BASE_URL", &base)
        .with("PORTCULLIS_TLS_CERT", "cert.pem")
        .with("PORTCULLIS_TLS_KEY", "key.pem")
        .with("ROCKET_PORT", &port.to_string());
    server.port = port;
    server.restart_by_tls().await;

    let (code, document) =
        curl(&server, &at.join("first.pem"), "/t/system/.well-known/openid-configuration");
    assert_eq!(code, 0, "{document}");
    assert!(document.contains(&format!("\"issuer\":\"{base}/t/system\"")), "{document}");
    // Nobody is served in the open.
    assert!(crate::support::plain_http(port, "GET", "/healthz", &[], "").await.is_none());

    // One that cannot be used changes nothing.
    std::fs::write(at.join("cert.pem"), "no certificate").unwrap();
    until(|| server.log().contains("cannot be used: the last one is still shown")).await;
    assert_eq!(curl(&server, &at.join("first.pem"), "/healthz").0, 0);

    certify(at, "second");
    until(|| curl(&server, &at.join("cert.pem"), "/healthz").0 == 0).await;
    assert_ne!(curl(&server, &at.join("first.pem"), "/healthz").0, 0);
}

async fn until(mut holds: impl FnMut() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        rocket::tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("it does not come to that");
}

#[rocket::async_test]
async fn files_that_cannot_be_used_refuse_the_start_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write_master_key(at);
    certify(at, "one");
    std::fs::rename(at.join("key.pem"), at.join("other.pem")).unwrap();
    certify(at, "two");
    let database = new_database(at).await;
    for (cert, key, said) in [
        ("cert.pem", "other.pem", "other.pem"),
        ("nowhere.pem", "key.pem", "nowhere.pem"),
        ("key.pem", "key.pem", "there is no certificate in it"),
        ("cert.pem", "", "go together"),
    ] {
        let server = Server::unstarted(at, &database)
            .with("PORTCULLIS_BASE_URL", "https://127.0.0.1:1")
            .with("PORTCULLIS_TLS_CERT", cert);
        let server = if key.is_empty() { server } else { server.with("PORTCULLIS_TLS_KEY", key) };
        let (code, _, error) = server.command_for_a_while(&["serve"]);
        assert_eq!(code, 1, "{cert} {key}: {error}");
        let last = error.lines().last().unwrap();
        assert!(last.starts_with("portcullis: ") && last.contains(said), "{cert} {key}: {error}");
    }
}
