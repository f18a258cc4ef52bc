//! PostgreSQL servers of a test's own: to be killed, held still, followed and promoted.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::free_port;

/// PostgreSQL's programs.
pub(crate) fn postgres_bin() -> PathBuf {
    let bin =
        std::fs::read_dir("/usr/lib/postgresql").expect("postgresql is installed by `make test`");
    bin.map(|entry| entry.unwrap().path().join("bin"))
        .find(|bin| bin.join("initdb").exists())
        .unwrap()
}

/// Runs SQL as the superuser of the server at `port`; answers what it says, a row a line.
pub(crate) fn psql(port: u16, database: &str, statements: &[&str]) -> String {
    let port = port.to_string();
    let mut command = Command::new(postgres_bin().join("psql"));
    command.args([
        "-h",
        "127.0.0.1",
        "-p",
        &port,
        "-U",
        "postgres",
        "-d",
        database,
        "-qAtX",
        "-v",
        "ON_ERROR_STOP=1",
    ]);
    for statement in statements {
        command.args(["-c", statement]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{statements:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A server with an empty database `portcullis`, whose owner is no superuser.
pub(crate) struct Postgres {
    folder: tempfile::TempDir,
    pub(crate) port: u16,
}

impl Postgres {
    pub(crate) fn start() -> Self {
        let postgres = Self::without_data();
        let data = postgres.data().display().to_string();
        postgres.run("initdb", &["-D", &data, "-U", "postgres", "--auth=trust", "--no-sync"]);
        postgres.up();
        postgres.sql("postgres", "CREATE ROLE portcullis LOGIN CREATEDB NOSUPERUSER NOBYPASSRLS");
        postgres.sql("postgres", "CREATE DATABASE portcullis OWNER portcullis");
        postgres
    }

    /// A standby that must have each commit of `primary` before it is answered.
    pub(crate) fn standby_of(primary: &Self) -> Self {
        let standby = Self::without_data();
        let data = standby.data().display().to_string();
        let from =
            format!("host=127.0.0.1 port={} user=postgres application_name=standby", primary.port);
        standby.run(
            "pg_basebackup",
            &["-d", &from, "-D", &data, "-R", "-X", "stream", "-c", "fast", "--no-sync"],
        );
        standby.up();
        primary.let_commits_wait_for("standby");
        for _ in 0..200 {
            if primary.sql("postgres", "SELECT sync_state FROM pg_stat_replication") == "sync" {
                return standby;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("the standby does not follow");
    }

    /// Commits are answered once this standby has them, too; at once where it has no name.
    pub(crate) fn let_commits_wait_for(&self, standby: &str) {
        let names = format!("ALTER SYSTEM SET synchronous_standby_names = '{standby}'");
        psql(self.port, "postgres", &[&names, "SELECT pg_reload_conf()"]);
    }

    fn without_data() -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::Builder::new().prefix("pg").tempdir_in("/tmp").unwrap();
        let postgres = Self { folder, port: free_port() };
        let data = postgres.data();
        std::fs::create_dir(&data).unwrap();
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700)).unwrap();
        std::fs::set_permissions(postgres.folder.path(), std::fs::Permissions::from_mode(0o755))
            .unwrap();
        if Self::as_root() {
            assert!(Command::new("chown").arg("postgres").arg(&data).status().unwrap().success());
        }
        postgres
    }

    fn as_root() -> bool {
        let output = Command::new("id").arg("-u").output().unwrap();
        output.stdout.starts_with(b"0\n")
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn tool(&self, tool: &str) -> Command {
        let tool = postgres_bin().join(tool);
        let mut command = if Self::as_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(tool);
            command
        } else {
            Command::new(tool)
        };
        command.current_dir(Path::new("/")).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn run(&self, tool: &str, arguments: &[&str]) {
        assert!(
            self.tool(tool).args(arguments).status().unwrap().success(),
            "{tool} {arguments:?}"
        );
    }

    pub(crate) fn up(&self) {
        let data = self.data().display().to_string();
        let options =
            format!("-p {} -k {data} -c listen_addresses=127.0.0.1 -c fsync=off", self.port);
        let log = format!("{data}/log");
        self.run("pg_ctl", &["-D", &data, "-w", "-l", &log, "-o", &options, "start"]);
    }

    pub(crate) fn down(&self) {
        let data = self.data().display().to_string();
        self.run("pg_ctl", &["-D", &data, "-m", "immediate", "stop"]);
    }

    /// Makes a standby the primary; it takes writes when this comes back.
    pub(crate) fn promote(&self) {
        self.run("pg_ctl", &["-D", &self.data().display().to_string(), "-w", "promote"]);
    }

    /// The postmaster and everything that it has started.
    fn processes(&self) -> Vec<String> {
        let pids = std::fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        let Some(postmaster) = pids.lines().next() else { return Vec::new() };
        let children = Command::new("pgrep").args(["-P", postmaster]).output().unwrap();
        let children = String::from_utf8_lossy(&children.stdout).into_owned();
        std::iter::once(postmaster).chain(children.lines()).map(str::to_owned).collect()
    }

    fn signal(&self, name: &str) {
        // A child may have gone between being listed and being asked; the others are asked all the same.
        let _ =
            Command::new("kill").arg(name).args(self.processes()).stderr(Stdio::null()).status();
    }

    /// Every process of it stands still: connections stay open, and nothing is answered.
    pub(crate) fn hold_still(&self) {
        self.signal("-STOP");
        // One that was started meanwhile.
        self.signal("-STOP");
    }

    pub(crate) fn go_on(&self) {
        self.signal("-CONT");
    }

    /// As a power cut ends it.
    pub(crate) fn kill(&self) {
        self.signal("-KILL");
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.data().join("log")).unwrap()).into_owned()
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://portcullis@127.0.0.1:{}/portcullis", self.port)
    }

    /// Runs a statement as the superuser.
    pub(crate) fn sql(&self, database: &str, statement: &str) -> String {
        psql(self.port, database, &[statement])
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.go_on();
        let data = self.data().display().to_string();
        // One that a test has killed cannot be stopped again.
        let _ = self.tool("pg_ctl").args(["-D", &data, "-m", "immediate", "stop"]).status();
    }
}
