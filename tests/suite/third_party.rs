//! Other people's OAuth clients, unchanged, against the real server.

use std::{path::Path, process::Command};

use crate::support::{CALLBACK, PASSWORD, SECRET, Server, new_database, write_master_key};

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
