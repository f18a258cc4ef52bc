//! Row O11: a start, or a command, that finds what it cannot work with says so in one line and writes
//! nothing.

use std::{os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use crate::support::{Server, free_port, new_database, on_postgres, sql, write_master_key};

/// Another key than that of the tests.
const OTHER_KEY: &str = "HxAREhMUFRYXGBkaGxwdHh8AAQIDBAUGBwgJCgsMDQ4=\n";

async fn stopped(folder: &Path) -> Server {
    write_master_key(folder);
    let database = new_database(folder).await;
    let mut server = Server::start(folder, &database, &[]).await;
    assert_eq!(server.terminate(), Some(0));
    server
}

/// Each of these must exit 1 with one line that says `why`.
fn refuse(server: &Server, commands: &[&[&str]], why: &str) {
    for arguments in commands {
        let (code, out, error) = server.command_for_a_while(arguments);
        assert_eq!(code, 1, "{arguments:?}: {out}{error}");
        let lines: Vec<&str> =
            error.lines().filter(|line| line.starts_with("portcullis: ")).collect();
        assert_eq!((lines.len(), out.as_str()), (1, ""), "{arguments:?}: {out}{error}");
        assert!(lines[0].contains(why), "{arguments:?}: {error}");
    }
}

const ALL: [&[&str]; 6] = [
    &["serve"],
    &["tenant", "create", "initech"],
    &["key", "rotate", "--tenant", "system", "--yes"],
    &["token", "--tenant", "system"],
    &["user", "list", "--tenant", "system"],
    &["apply", "-f", "file.yaml"],
];

#[rocket::async_test]
async fn o11_another_master_key_is_refused_by_start_and_shell_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = stopped(folder.path()).await;
    std::fs::write(folder.path().join("file.yaml"), "tenants: [{ slug: initech }]").unwrap();
    let key = folder.path().join("master.key");
    let right = std::fs::read(&key).unwrap();
    std::fs::write(&key, OTHER_KEY).unwrap();
    refuse(&server, &ALL, "it is not the key that this database was sealed under");
    assert_ne!(server.command(&["doctor"], "").0, 0);
    std::fs::remove_file(&key).unwrap();
    refuse(&server, &ALL, "there is no such file, and this database was sealed under a key");
    assert!(!key.exists(), "no new key is made over a database that has one");
    std::fs::write(&key, right).unwrap();
    server.restart().await;
    let (code, out, _) = server.command(&["tenant", "list", "--format", "json"], "");
    assert!(code == 0 && !out.contains("initech"), "{out}");
    let (status, _) = server.request("GET", "/t/system/oauth2/jwks", &[], "").await;
    assert_eq!(status, 200);
}

#[rocket::async_test]
async fn o11_two_nodes_that_start_at_once_with_keys_of_their_own_do_not_both_serve() {
    let folder = tempfile::tempdir().unwrap();
    let server = stopped(folder.path()).await;
    // The second one on a database of the first.
    let other = tempfile::tempdir().unwrap();
    std::fs::write(other.path().join("master.key"), OTHER_KEY).unwrap();
    let database = server.database().to_owned();
    let second = Server::unstarted(other.path(), &database);
    refuse(&second, &[&["serve"], &["tenant", "list"]], "it is not the key");
}

#[rocket::async_test]
async fn o11_a_database_of_a_newer_version_or_without_a_column_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = stopped(folder.path()).await;
    std::fs::write(folder.path().join("file.yaml"), "tenants: [{ slug: initech }]").unwrap();
    let database = server.database().to_owned();
    let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000')";
    sql(&database, newer).await;
    refuse(&server, &ALL, "it was made by a newer version (99990101000000)");
    refuse(&server, &[&["migrate"], &["serve", "--no-migrate"]], "it was made by a newer version");
    sql(&database, "DELETE FROM __diesel_schema_migrations WHERE version = '99990101000000'").await;
    sql(&database, "ALTER TABLE consents DROP COLUMN scope").await;
    refuse(&server, &ALL, "table consents");
}

#[rocket::async_test]
async fn o11_a_file_that_is_no_database_is_told_so() {
    if on_postgres() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let server = stopped(folder.path()).await;
    std::fs::write(folder.path().join("file.yaml"), "tenants: [{ slug: initech }]").unwrap();
    let file = server.database().strip_prefix("sqlite:").unwrap().to_owned();
    std::fs::write(
        &file,
        "this is no database, but it is long enough to be looked at ".repeat(100),
    )
    .unwrap();
    refuse(&server, &ALL, "file is not a database");
}

#[rocket::async_test]
async fn o11_a_database_that_refuses_is_told_in_its_own_words() {
    if !on_postgres() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let server = stopped(folder.path()).await;
    let mut wrong = url::Url::parse(server.database()).unwrap();
    wrong.set_path("/nowhere");
    refuse(
        &Server::unstarted(folder.path(), wrong.as_str()),
        &[&["serve"], &["tenant", "list"]],
        "\"nowhere\"",
    );
}

#[rocket::async_test]
async fn a_port_that_is_taken_is_told_before_any_greeting() {
    let folder = tempfile::tempdir().unwrap();
    let server = stopped(folder.path()).await;
    for name in ["ROCKET_PORT", "PORTCULLIS_MANAGEMENT_ADDRESS"] {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let value =
            if name == "ROCKET_PORT" { address.port().to_string() } else { address.to_string() };
        let server = Server::unstarted(folder.path(), server.database()).with(name, &value);
        refuse(&server, &[&["serve"]], name);
        refuse(&server, &[&["serve"]], &address.to_string());
    }
}

#[rocket::async_test]
async fn where_rocket_is_told_to_listen_is_where_the_issuer_is() {
    let folder = tempfile::tempdir().unwrap();
    write_master_key(folder.path());
    let database = new_database(folder.path()).await;
    let server = Server::start_without_base_url(folder.path(), &database).await;
    let (_, body) =
        server.request("GET", "/t/system/.well-known/openid-configuration", &[], "").await;
    let document: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(document["issuer"], format!("http://127.0.0.1:{}/t/system", server.port));
}

#[test]
fn a_setting_that_nothing_reads_refuses_the_start_and_names_the_nearest() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, value: &str| {
        let mut command = Command::new("timeout");
        command
            .args(["30", Server::binary(), "doctor"])
            .env(name, value)
            .current_dir(folder.path());
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for (name, nearest) in [
        ("PORTCULLIS_BASEURL", "PORTCULLIS_BASE_URL"),
        ("PORTCULLIS_DATABASE_URI", "PORTCULLIS_DATABASE_URL"),
        ("PORTCULLIS_MASTER_KEY", "PORTCULLIS_MASTER_KEY_FILE"),
        ("PORTCULLIS_TRUSTED_PROXY", "PORTCULLIS_TRUSTED_PROXIES"),
    ] {
        let (code, error) = run(name, "x");
        assert_eq!(code, Some(1), "{name}: {error}");
        assert!(
            error.contains(&format!("{name} is no setting: {nearest} is"))
                && error.lines().count() == 1,
            "{error}"
        );
    }
    let (code, error) = run("PORTCULLIS_DATABASE_URL_FILE", "/does/not/exist");
    assert!(code == Some(1) && error.contains("PORTCULLIS_DATABASE_URL_FILE"), "{error}");
}

#[rocket::async_test]
async fn files_that_hold_secrets_are_made_for_their_owner_alone() {
    if on_postgres() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("data");
    let database = format!("sqlite:{}", place.join("portcullis.db").display());
    let key = place.join("master.key").display().to_string();
    let _server =
        Server::start(folder.path(), &database, &[("PORTCULLIS_MASTER_KEY_FILE", &key)]).await;
    let mut seen = 0;
    for entry in std::fs::read_dir(&place).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?} {mode:o}", entry.path());
        seen += 1;
    }
    assert!(seen >= 3, "{seen}");
    assert_ne!(free_port(), 0);
}

#[rocket::async_test]
async fn what_kubernetes_sets_for_a_service_of_the_same_name_is_no_slip() {
    let folder = tempfile::tempdir().unwrap();
    let server = stopped(folder.path()).await;
    let alone = server.with("PORTCULLIS_PORT", "tcp://10.0.0.1:8000");
    let (code, _, error) = alone.command(&["tenant", "list"], "");
    assert!(code == 1 && error.contains("PORTCULLIS_PORT is no setting"), "{error}");
    let service = alone
        .with("PORTCULLIS_SERVICE_HOST", "10.0.0.1")
        .with("PORTCULLIS_SERVICE_PORT_HTTP", "8000")
        .with("PORTCULLIS_PORT_8000_TCP_ADDR", "10.0.0.1");
    let (code, _, error) = service.command(&["tenant", "list"], "");
    assert_eq!(code, 0, "{error}");
    let slip = service.with("PORTCULLIS_POTR", "8000");
    assert_eq!(slip.command(&["tenant", "list"], "").0, 1);
}

#[rocket::async_test]
async fn a_key_that_others_may_read_is_told_and_one_that_its_group_may_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let server = stopped(folder.path()).await;
    let key = folder.path().join("master.key");
    for (mode, is_told) in [(0o600, false), (0o440, false), (0o444, true), (0o620, true)] {
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        let (_, told, error) = server.command(&["doctor"], "");
        assert_eq!(
            told.contains("master.key may be read by others"),
            is_told,
            "{mode:o}: {told}{error}"
        );
    }
}
