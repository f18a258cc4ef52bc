//! Other people's OAuth clients, unchanged, against the real server; and our guard at another's.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use portcullis_guard::{Guard, Refusal};
use rocket::tokio;

use crate::support::{
    CALLBACK, PASSWORD, SECRET, Server, basic, free_port, new_database, plain_http,
    write_master_key,
};

async fn seeded(folder: &Path) -> Server {
    write_master_key(folder);
    let database = new_database(folder).await;
    let server = Server::start(folder, &database, &[]).await;
    let file = format!(
        r#"
tenants:
  - slug: acme
    settings: {{ password_bcrypt_cost: 10 }}
    scopes: [{{ name: reports.read, description: Read your reports }}]
    clients:
      - client_id: web
        client_secret: "{SECRET}"
        redirect_uris: ["{CALLBACK}"]
        grant_types: [authorization_code, refresh_token, client_credentials]
        scope: "openid profile email offline_access reports.read"
    users: [{{ username: ada, email: ada@acme.example, name: Ada Lovelace, password: "{PASSWORD}" }}]
"#
    );
    let (code, _, error) = server.command(&["apply", "-f", "-"], &file);
    assert_eq!(code, 0, "{error}");
    server
}

fn run(mut command: Command) {
    let output = command.output().expect("installed by `make test`");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    assert!(text(&output.stdout).contains("all good"));
}

#[rocket::async_test]
async fn authlib_runs_the_whole_flow() {
    let folder = tempfile::tempdir().unwrap();
    let server = seeded(folder.path()).await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(root.join("target/clients/python/bin/python"));
    command.arg(root.join("tests/clients/authlib_client.py"));
    command.env("AUTHLIB_INSECURE_TRANSPORT", "1");
    command.args([&format!("{}/t/acme", server.base()), CALLBACK, SECRET, PASSWORD]);
    rocket::tokio::task::spawn_blocking(move || run(command)).await.unwrap();
}

#[rocket::async_test]
async fn openid_client_runs_the_whole_flow() {
    let folder = tempfile::tempdir().unwrap();
    let server = seeded(folder.path()).await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new("node");
    command.arg(root.join("tests/clients/openid_client.mjs"));
    let home = root.join("target/clients/node");
    command.args([
        &format!("{}/t/acme", server.base()),
        CALLBACK,
        SECRET,
        PASSWORD,
        &home.display().to_string(),
    ]);
    rocket::tokio::task::spawn_blocking(move || run(command)).await.unwrap();
}

/// node-oidc-provider, which signs access tokens by RFC 9068.
struct Issuer {
    child: Child,
    port: u16,
}

impl Drop for Issuer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Issuer {
    async fn start() -> Self {
        let (root, port) = (Path::new(env!("CARGO_MANIFEST_DIR")), free_port());
        let child = Command::new("node")
            .arg(root.join("tests/clients/node_oidc_provider.mjs"))
            .env("NODE_OIDC_PROVIDER", root.join("target/clients/node"))
            .env("PORT", port.to_string())
            .env("CLIENT_SECRET", SECRET)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let issuer = Self { child: child.expect("installed by `make test`"), port };
        for _ in 0..600 {
            if plain_http(port, "GET", "/jwks", &[], "")
                .await
                .is_some_and(|(status, _)| status == 200)
            {
                return issuer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("node-oidc-provider does not start");
    }

    /// An access token of its client's own.
    async fn token(&self) -> String {
        let authorization = basic("web", SECRET);
        let headers = [
            ("Authorization", authorization.as_str()),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ];
        let form = "grant_type=client_credentials&scope=read";
        let (status, body) = plain_http(self.port, "POST", "/token", &headers, form).await.unwrap();
        assert_eq!(status, 200, "{body}");
        // It answers in chunks.
        let json = &body[body.find('{').unwrap()..=body.rfind('}').unwrap()];
        let json: serde_json::Value = serde_json::from_str(json).unwrap();
        json["access_token"].as_str().unwrap().to_owned()
    }
}

#[rocket::async_test]
async fn the_guard_takes_tokens_of_another_issuer_and_no_others() {
    let (issuer, stranger) = (Issuer::start().await, Issuer::start().await);
    let url = format!("http://127.0.0.1:{}", issuer.port);
    let guard = |audience: &str| Guard::for_audience(audience).issuer(&url).build().unwrap();
    let token = issuer.token().await;
    let principal = guard("https://api.example").verify(&token).await.unwrap();
    assert_eq!((principal.issuer(), principal.client_id()), (url.as_str(), "web"));
    assert!(principal.is_client() && principal.has_scope("read"));
    let elsewhere = guard("https://elsewhere.example").verify(&token).await.unwrap_err();
    assert_eq!(elsewhere, Refusal::InvalidToken);
    let strange = stranger.token().await;
    let strange = guard("https://api.example").verify(&strange).await.unwrap_err();
    assert_eq!(strange, Refusal::InvalidToken);
}
