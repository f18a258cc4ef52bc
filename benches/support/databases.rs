//! What a bench measures on: SQLite in a server's own folder, and PostgreSQL where one is running.

use tokio_postgres::{Client, NoTls};

/// Where PostgreSQL is, as a server asks it.
fn postgres() -> Option<String> {
    std::env::var("PORTCULLIS_TEST_POSTGRES").ok()
}

/// A connection to the database at `url`.
pub(crate) async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Those that are there and asked for (`PORTCULLIS_BENCH_ONLY`).
pub(crate) fn kinds() -> Vec<&'static str> {
    let only = std::env::var("PORTCULLIS_BENCH_ONLY").unwrap_or_default();
    let is_there = |kind: &&str| *kind == "sqlite" || postgres().is_some();
    ["sqlite", "postgres"]
        .into_iter()
        .filter(|kind| kind.contains(&only))
        .filter(is_there)
        .collect()
}

/// A new database of this kind, for `Server::new`.
pub(crate) async fn create(kind: &str, name: &str) -> Option<String> {
    let server = postgres().filter(|_| kind == "postgres")?;
    let client = client(&format!("{server}/postgres")).await;
    client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    Some(format!("{server}/{name}"))
}

/// Removes it again, where it does not go with its folder.
pub(crate) async fn remove(url: &str) {
    if let Some((server, name)) = url.rsplit_once('/').filter(|_| url.starts_with("postgres")) {
        let client = client(&format!("{server}/postgres")).await;
        client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
    }
}

/// Waits until all of it lies on the disk, or the first write of somebody else would.
pub(crate) async fn settle(url: &str) {
    match url.strip_prefix("sqlite:") {
        Some(path) => std::fs::File::open(path).unwrap().sync_all().unwrap(),
        None => {
            let superuser = url.replace("//portcullis@", "//postgres@");
            client(&superuser).await.batch_execute("CHECKPOINT").await.unwrap();
        }
    }
}
