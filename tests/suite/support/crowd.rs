//! Rows by the million, made by the database itself: a tenant after some years. The benches make
//! them with this file too.

use diesel::{Connection as _, connection::SimpleConnection as _};

/// A tenant's rows: so many sessions and families, a quarter of that in users, and as many again
/// that are old enough to be swept. The sessions are of client `app`.
pub(crate) struct Crowd<'a> {
    pub(crate) slug: &'a str,
    pub(crate) sessions: usize,
    /// Milliseconds since the Unix epoch.
    pub(crate) now: i64,
    pub(crate) statistics: Statistics,
}

/// What the database knows of its rows when it plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Statistics {
    /// Nothing of its own.
    Never,
    /// How many there are.
    Fresh,
    /// How few there were before the crowd came.
    Stale,
}

/// The tables that come by the million.
pub(crate) const TABLES: [&str; 8] = [
    "users",
    "sessions",
    "token_families",
    "authorization_codes",
    "client_assertions",
    "consents",
    "audit_events",
    "revocation_events",
];

/// `ID(kind,i)`, `DIGEST(i)` and `SERIES(count)` stand for what each database says for it. A
/// hundredth of the sessions are of one user.
const ROWS: &str = r#"
INSERT INTO sessions SELECT t.id, ID(2,i), ID(1,OWNER), 'password', 'app', NULL, HEAD, NOW, '["pwd"]',
    '10.0.' || (i / 256 % 256) || '.' || (i % 256), 'a browser', NOW, NOW, NOW + 2592000000, NULL, NULL
    FROM tenants t, SERIES(SESSIONS) WHERE slug = 'SLUG';
INSERT INTO token_families SELECT t.id, ID(3,i), ID(2,i), ID(1,OWNER), 'app', 'reports.read', '[]', 0, HEAD, NOW,
    '["pwd"]', NOW, NULL, NOW + 604800000, NULL, NULL FROM tenants t, SERIES(SESSIONS) WHERE slug = 'SLUG';
INSERT INTO consents SELECT t.id, ID(1,i), 'app', 'reports.read', HEAD, NOW FROM tenants t, SERIES(USERS)
    WHERE slug = 'SLUG';
INSERT INTO audit_events SELECT t.id, ID(4,i), BORN + i, 'user:crowd', 'session.started', 'session', '', '10.0.0.1', 'x', NULL
    FROM tenants t, SERIES(SESSIONS) WHERE slug = 'SLUG';
INSERT INTO sessions SELECT t.id, ID(5,i), ID(1,OWNER), 'password', 'app', NULL, 0, 0, '["pwd"]', '10.1.0.1', 'x', 0,
    0, 1000 + i, NULL, NULL FROM tenants t, SERIES(OLD) WHERE slug = 'SLUG';
INSERT INTO token_families SELECT t.id, ID(6,i), ID(5,i), ID(1,OWNER), 'app', 'reports.read', '[]', 0, 0, 0, '["pwd"]',
    0, NULL, 1000, NULL, NULL FROM tenants t, SERIES(OLD) WHERE slug = 'SLUG';
INSERT INTO authorization_codes SELECT t.id, DIGEST(i), 'app', ID(1,OWNER), ID(5,i), ID(6,i), 'https://app.example/cb',
    TRUE, 'reports.read', '[]', 'x', NULL, 0, 0, '["pwd"]', 0, 1000 + i, 0 FROM tenants t, SERIES(OLD) WHERE slug = 'SLUG';
INSERT INTO client_assertions SELECT t.id, 'app', DIGEST(i), 1000 + i FROM tenants t, SERIES(OLD) WHERE slug = 'SLUG';
INSERT INTO revocation_events SELECT -1 - i, t.id, 'token', 'jti' || i, 0, 1000 + i FROM tenants t, SERIES(OLD)
    WHERE slug = 'SLUG';
"#;

/// Users by their numbers, from one on, in every tenant for which this holds.
pub(crate) fn users(
    dialect: Dialect,
    tenants: &str,
    first: usize,
    count: usize,
    now: i64,
) -> String {
    let (number, series) = (format!("(i + {first})"), dialect.series(count));
    let id = dialect.id("1", &number);
    // One tenant after the other: so they lie beside one another.
    format!(
        "INSERT INTO users SELECT t.id, {id}, 'user' || {number}, 'user' || {number}, \
            'u' || {number} || '@x.example', 'u' || {number} || '@x.example', TRUE, NULL, NULL, \
            '[]', 'active', 1, 0, {now}, {now} FROM tenants t CROSS JOIN {series} WHERE {tenants};"
    )
}

impl Crowd<'_> {
    /// Puts the rows beside those that are there.
    pub(crate) async fn gather(&self, url: &str) {
        let dialect = Dialect::of(url);
        let (before, after) = dialect.around(self.statistics);
        fill(url, &before, &self.rows(dialect), after).await;
    }

    fn rows(&self, dialect: Dialect) -> String {
        let users = self.sessions / 4;
        let owner = format!("(CASE WHEN i < {} THEN 0 ELSE i % {users} END)", self.sessions / 100);
        let mut text = ROWS.replace("SLUG", self.slug).replace("NOW", &self.now.to_string());
        text = text.replace("BORN", &FIRST_MS.to_string());
        // Born now: what is older than its client is dead.
        text = text.replace("HEAD", "(SELECT seq FROM revocation_head)");
        text = text.replace("DIGEST(i)", dialect.digest());
        for (name, count) in
            [("USERS", users), ("SESSIONS", self.sessions), ("OLD", self.sessions / 4)]
        {
            text = text.replace(&format!("SERIES({name})"), &dialect.series(count));
        }
        for kind in ["1", "2", "3", "4", "5", "6"] {
            text = text.replace(&format!("ID({kind},i)"), &dialect.id(kind, "i"));
            text = text.replace(&format!("ID({kind},OWNER)"), &dialect.id(kind, &owner));
        }
        let tenants = format!("slug = '{}'", self.slug);
        format!("{}{text}", self::users(dialect, &tenants, 0, users, self.now))
    }
}

/// When the first of the rows were made, by their identifiers (UUID v7: `0190` and eight digits
/// more are milliseconds), and each after it a millisecond later.
const FIRST_MS: i64 = 0x0190_0000_0000;

/// What each database says in its own words.
#[derive(Clone, Copy)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    pub(crate) fn of(url: &str) -> Self {
        if url.starts_with("sqlite:") { Self::Sqlite } else { Self::Postgres }
    }

    /// The identifier of what has this number among its kind.
    pub(crate) fn id(self, kind: &str, number: &str) -> String {
        match self {
            Self::Sqlite => {
                format!("unhex(printf('0190%08x70008000000000000{kind:0>3}', {number}))")
            }
            Self::Postgres => format!(
                "('0190' || lpad(to_hex({number}), 8, '0') || '70008000000000000{kind:0>3}')::uuid"
            ),
        }
    }

    /// The numbers below `count`, in a column `i`.
    pub(crate) fn series(self, count: usize) -> String {
        match self {
            Self::Sqlite => format!(
                "(WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s LIMIT {count}) \
                 SELECT i FROM s)"
            ),
            Self::Postgres => format!("generate_series(0, {}) i", count - 1),
        }
    }

    fn digest(self) -> &'static str {
        match self {
            Self::Sqlite => "unhex(printf('%064x', i))",
            Self::Postgres => "decode(lpad(to_hex(i), 64, '0'), 'hex')",
        }
    }

    /// What is done before rows are put in, and what after, so that the database knows that much.
    pub(crate) fn around(self, statistics: Statistics) -> (String, &'static str) {
        let first = if statistics == Statistics::Stale { "ANALYZE;" } else { "" };
        let is_fresh = statistics == Statistics::Fresh;
        match self {
            Self::Sqlite => (first.to_owned(), if is_fresh { "ANALYZE;" } else { "" }),
            Self::Postgres if is_fresh => (String::new(), "VACUUM ANALYZE"),
            Self::Postgres => {
                let still = |table| format!("ALTER TABLE {table} SET (autovacuum_enabled = off);");
                (first.to_owned() + TABLES.map(still).concat().as_str(), "")
            }
        }
    }
}

/// Puts `rows` into the database at `url`, in one transaction.
pub(crate) async fn fill(url: &str, before: &str, rows: &str, after: &str) {
    match url.strip_prefix("sqlite:") {
        Some(path) => {
            let mut conn = diesel::SqliteConnection::establish(path).unwrap();
            // The server beside it writes too (a lease, a sweep): wait for it, and begin as a
            // writer.
            let text = format!(
                "PRAGMA busy_timeout = 30000; PRAGMA synchronous = OFF; {before} \
                 BEGIN IMMEDIATE; {rows} COMMIT; {after} PRAGMA wal_checkpoint(TRUNCATE);"
            );
            conn.batch_execute(&text).unwrap();
        }
        None => {
            let (client, connection) =
                tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
            let connection = tokio::spawn(connection);
            client.batch_execute("SET portcullis.every_tenant = 'on'").await.unwrap();
            for text in [before, rows, after] {
                client.batch_execute(text).await.unwrap();
            }
            drop(client);
            connection.await.unwrap().unwrap();
        }
    }
}
