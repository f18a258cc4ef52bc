//! What PostgreSQL does without us, by its own measure.

use std::{path::PathBuf, process::Command, time::Duration};

/// Of that many connections, each of which moves a row of its own on, and waits until that has lasted.
const SCRIPT: &str =
    "UPDATE floor SET generation = generation + 1 WHERE id = :client_id AND generation >= 0;";

/// Rows a second in the database at `url`, moved on one by one by statements that are prepared.
pub(crate) fn rate(url: &str, connections: usize, each: Duration) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script.sql");
    std::fs::write(&script, SCRIPT).unwrap();
    let table = format!(
        "DROP TABLE IF EXISTS floor; CREATE TABLE floor (id integer PRIMARY KEY, generation bigint NOT NULL); \
         INSERT INTO floor SELECT n, 0 FROM generate_series(0, {connections} - 1) AS n"
    );
    run("psql", &["-q", "-c", &table, url]);
    let (connections, seconds) = (connections.to_string(), each.as_secs().to_string());
    let told = run(
        "pgbench",
        &[
            ["-n", "-M", "prepared", "-j", "2", "-c", &connections].as_slice(),
            &["-T", &seconds, "-f", script.to_str().unwrap(), url],
        ]
        .concat(),
    );
    let rate = told.lines().find_map(|line| line.strip_prefix("tps = ")).unwrap();
    rate.split(' ').next().unwrap().parse().unwrap()
}

fn run(program: &str, arguments: &[&str]) -> String {
    let done = Command::new(home().join(program)).args(arguments).output().unwrap();
    assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// Where Debian puts the programs of the latest PostgreSQL that is installed.
fn home() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").unwrap();
    versions.map(|version| version.unwrap().path()).max().unwrap().join("bin")
}
