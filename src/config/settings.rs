//! The settings: their names, and what people are told of them.

use super::ConfigError;

/// A setting, as people are told of it.
pub struct Setting {
    /// What stands behind `PORTCULLIS_`, in small letters: its name in `Rocket.toml`.
    pub name: &'static str,
    /// What it is.
    pub what: &'static str,
    /// Whether its value is shown to nobody; it may be read from a file that `NAME_FILE` names.
    pub is_secret: bool,
}

const fn setting(name: &'static str, what: &'static str) -> Setting {
    Setting { name, what, is_secret: false }
}

/// Every setting, in the order in which people are told of them.
pub const SETTINGS: &[Setting] = &[
    setting(
        "base_url",
        "the public origin; `https` outside loopback unless `PORTCULLIS_INSECURE_HTTP=true`; left out: where Rocket listens",
    ),
    Setting {
        is_secret: true,
        ..setting(
            "database_url",
            "`sqlite:PATH` or `postgres://…`; `sslmode=require` for TLS, checked against the public roots; several hosts \
             with commas between them, of which the one that takes writes is used",
        )
    },
    setting(
        "database_connections",
        "connections of this node for requests; on PostgreSQL five more: three for what is gathered of many requests, \
         one for following the events and one for jobs",
    ),
    Setting {
        is_secret: true,
        ..setting("redis_url", "`redis://` or `rediss://`; unset, revocations travel by SQL alone")
    },
    setting("master_key_file", "32 bytes in base64, made on first start with mode 0600"),
    setting(
        "tls_cert",
        "a file with the certificate and its chain (PEM): TLS of our own, read anew when it changes",
    ),
    setting("tls_key", "the file with its key (PEM)"),
    setting("management_address", "where `/metrics`, `/healthz` and `/readyz` are served"),
    setting(
        "trusted_proxies",
        "addresses or networks whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed",
    ),
    setting("insecure_http", "`true`: a base URL without TLS outside loopback, for tests alone"),
    setting("log", "what is logged: `error`, `warn`, `info`, `debug`, or a filter by module"),
    setting("log_format", "`text` or `json`"),
    setting("access_log", "`true`: a line for each request"),
];

/// What the shell reads, and no server.
const OF_SHELL: [&str; 3] = ["PORTCULLIS_SERVER", "PORTCULLIS_PROFILE", "PORTCULLIS_PROFILES"];

impl Setting {
    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        format!("PORTCULLIS_{}", self.name.to_uppercase())
    }
}

/// Whether Kubernetes has set it, for a Service that is called `portcullis`: it sets all of them, and nobody wrote one.
fn is_of_a_service(name: &str, all: &[String]) -> bool {
    let rest = name.trim_start_matches("PORTCULLIS_");
    all.iter().any(|name| name == "PORTCULLIS_SERVICE_HOST")
        && (rest.starts_with("SERVICE_") || rest == "PORT" || rest.starts_with("PORT_"))
}

/// Refuses a name that nothing reads: a slip of the hand would pass for a setting. Those of the tests
/// are the tests' own.
pub(super) fn check_names(names: impl Iterator<Item = String>) -> Result<(), ConfigError> {
    let names: Vec<String> = names.filter(|name| name.starts_with("PORTCULLIS_")).collect();
    let known = || {
        let files = SETTINGS.iter().filter(|setting| setting.is_secret);
        let files = files.map(|setting| format!("{}_FILE", setting.variable()));
        SETTINGS.iter().map(Setting::variable).chain(files)
    };
    for name in &names {
        let is_of_tests =
            ["PORTCULLIS_TEST_", "PORTCULLIS_BENCH_"].iter().any(|prefix| name.starts_with(prefix));
        if is_of_tests
            || is_of_a_service(name, &names)
            || OF_SHELL.contains(&name.as_str())
            || known().any(|known| known == *name)
        {
            continue;
        }
        let likeness = |known: &String| strsim::jaro_winkler(known, name);
        let nearest = known()
            .max_by(|one, other| likeness(one).total_cmp(&likeness(other)))
            .unwrap_or_default();
        return Err(ConfigError(format!("{name} is no setting: {nearest} is")));
    }
    Ok(())
}
