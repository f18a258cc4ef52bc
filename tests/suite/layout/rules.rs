//! The rules as tables, and what breaks them today.

use super::{Violation, circles, packages, rooms};

/// The rooms, from the roof to the ground: each imports what is below it, nothing above and nothing
/// beside it.
pub(super) const FLOORS: &[&[&str]] = &[
    &["main"],
    &["cli"],
    &["lib"],
    &["web"],
    &["views"],
    &["oauth", "admin"],
    &["accounts"],
    &["installation"],
    &["jobs"],
    &["changes", "events"],
    &["throttle"],
    &["keys"],
    &["memory"],
    &["storage"],
    &["turns"],
    &["config", "effects", "outside", "request_span"],
    &["domain"],
    &["protocol"],
];

/// Rooms that may import less than what is below them.
pub(super) const NARROWER: &[(&str, &[&str])] = &[("views", &["admin", "domain", "protocol"])];

/// What may not be imported for all that: by whom, and what.
pub(super) const NEVER: &[(&str, &str)] = &[
    ("oauth", "admin"),
    ("admin", "oauth"),
    ("web::console", "web::api"),
    ("web", "storage"),
    ("cli", "storage"),
];

/// Packages, and the files and folders that alone use them.
pub(super) const PACKAGES: &[(&[&str], &[&str])] = &[
    (&["diesel"], &["storage/"]),
    (&["jsonwebtoken"], &["keys/"]),
    (&["redis"], &["changes/"]),
    (&["tera"], &["views/render.rs", "views/snippets.rs"]),
    (&["bcrypt"], &["accounts/factors/"]),
    (&["zxcvbn"], &["accounts/factors/known_passwords.rs"]),
    (&["precis_profiles", "precis_core"], &["domain/login_name.rs"]),
    (&["ed25519_dalek"], &["keys/jwk.rs"]),
    (&["oxide_auth"], &["oauth/engine.rs"]),
    (&["hyper"], &["web/listener/", "outside/", "cli/loopback.rs"]),
    (&["rocket"], &["web/", "lib.rs", "cli/serve.rs", "storage/engine/pool.rs"]),
    (&["utoipa"], &["domain/", "admin/", "web/api/"]),
    (&["aws_lc_rs"], &["keys/"]),
    (&["rustls"], &["storage/engine/postgres.rs", "cli/mod.rs", "outside/", "web/listener/tls.rs"]),
];

/// Where the master key's type is named: where keys are kept, and where all is put together.
pub(super) const MASTER_KEY_HOMES: &[&str] = &["keys/", "installation.rs"];

/// What breaks a rule today, and why it may.
#[derive(Debug)]
pub(super) struct Exception {
    pub(super) rule: &'static str,
    /// The file; of a circle, the folder.
    pub(super) file: &'static str,
    /// What it imports, names or is called; of a circle, the import that is not counted.
    pub(super) subject: &'static str,
    pub(super) why: &'static str,
}

impl Exception {
    pub(super) fn covers(&self, violation: &Violation) -> bool {
        self.rule == violation.rule
            && self.file == violation.file
            && self.subject == violation.subject
    }
}

const TABLES: &str = "it hands on the tables of every room, and rooms join those of others";
const OPENING: &str = "the error of opening one stands beside the pool that opens both";

/// One that nothing needs any more fails the test: each goes with what it excuses.
pub(super) const EXCEPTIONS: &[Exception] = &[
    but(
        rooms::RULE,
        "cli/doctor.rs",
        "storage",
        "it asks the database itself what is wrong with it",
    ),
    but(rooms::RULE, "cli/shell.rs", "storage", "it opens the database for every command"),
    but(
        circles::RULE,
        "keys",
        "jwt -> keystore",
        "it signs and verifies with the keys that are held",
    ),
    but(
        circles::RULE,
        "admin::file",
        "apply -> prune",
        "both are steps of one run, which apply holds",
    ),
    but(circles::RULE, "storage", "schema -> events", TABLES),
    but(circles::RULE, "storage", "schema -> grants", TABLES),
    but(circles::RULE, "storage", "schema -> identity", TABLES),
    but(circles::RULE, "storage", "schema -> jobs", TABLES),
    but(circles::RULE, "storage", "schema -> keys", TABLES),
    but(circles::RULE, "storage", "schema -> sessions", TABLES),
    but(
        circles::RULE,
        "storage",
        "engine -> events",
        "a unit holds the events that its commit will number",
    ),
    but(
        circles::RULE,
        "storage",
        "engine -> grants",
        "a storage holds the writer that gathers rotations",
    ),
    but(
        circles::RULE,
        "storage",
        "engine -> sessions",
        "a storage holds the writer that gathers endings",
    ),
    but(
        circles::RULE,
        "storage",
        "events -> jobs",
        "an ending that leaves nothing behind needs no settlement",
    ),
    but(
        circles::RULE,
        "storage::engine",
        "connection -> unit",
        "its macros unwrap the unit that they are given",
    ),
    but(circles::RULE, "storage::engine", "connection -> migrate", "it locks as the migrations do"),
    but(circles::RULE, "storage::engine", "postgres -> pool", OPENING),
    but(circles::RULE, "storage::engine", "sqlite -> pool", OPENING),
    but(
        circles::RULE,
        "storage::engine",
        "unit -> gatherers",
        "a storage holds the gathered writers, which hold a storage",
    ),
    but(
        packages::RULE,
        "effects/entropy.rs",
        "aws_lc_rs",
        "its generator is the one source of randomness",
    ),
    but(
        packages::RULE,
        "web/answers/problem.rs",
        "utoipa",
        "the form of the API's errors stands among the answers",
    ),
    but(
        packages::MASTER_KEY,
        "cli/doctor.rs",
        "MasterKey",
        "it says whether the file is the key of this database",
    ),
];

const fn but(
    rule: &'static str,
    file: &'static str,
    subject: &'static str,
    why: &'static str,
) -> Exception {
    Exception { rule, file, subject, why }
}
