//! The configuration: `Rocket.toml`, then the environment, parsed once.

mod settings;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use figment::{
    Figment, Profile, Source,
    providers::{Env, Format, Serialized, Toml},
};
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use settings::check_names;
pub use settings::{SETTINGS, Setting};

/// What the operator decides. Names and defaults are those of the README's table.
#[derive(Debug, Clone)]
pub struct Config {
    /// The public origin, without a slash at its end.
    pub base_url: String,
    /// `sqlite:PATH` or `postgres://…`.
    pub database_url: SecretString,
    /// The Redis that carries revocations between nodes.
    pub redis_url: Option<SecretString>,
    /// The file with the 32 bytes that seal everything.
    pub master_key_file: PathBuf,
    /// The files of the certificate and its key, where TLS is of our own.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Where `/metrics`, `/healthz` and `/readyz` are served.
    pub management_address: SocketAddr,
    /// The peers whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The log filter.
    pub log: String,
    /// `text` or `json`.
    pub log_format: LogFormat,
    /// Whether each request gets a line in the log.
    pub access_log: bool,
    /// Connections to the database.
    pub database_connections: usize,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For collectors.
    Json,
}

/// A configuration that cannot be run with.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    /// Where it is left out: where Rocket listens.
    base_url: Option<String>,
    database_url: String,
    redis_url: Option<String>,
    master_key_file: PathBuf,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    management_address: SocketAddr,
    trusted_proxies: String,
    insecure_http: bool,
    log: String,
    log_format: LogFormat,
    access_log: bool,
    database_connections: usize,
}

impl Default for Raw {
    fn default() -> Self {
        Self {
            base_url: None,
            database_url: "sqlite:data/portcullis.db".into(),
            redis_url: None,
            master_key_file: "data/master.key".into(),
            tls_cert: None,
            tls_key: None,
            management_address: SocketAddr::from(([127, 0, 0, 1], 8001)),
            trusted_proxies: String::new(),
            insecure_http: false,
            log: "info".into(),
            log_format: LogFormat::Text,
            access_log: false,
            database_connections: 16,
        }
    }
}

impl Setting {
    /// Its value where nobody sets it, as text; `None` where it has none.
    pub fn default_value(&self) -> Option<String> {
        let defaults = serde_json::to_value(Raw::default()).unwrap_or_default();
        in_text(defaults.get(self.name)?)
    }
}

fn in_text(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// A setting as it stands.
#[derive(Debug, Serialize)]
pub struct SettingShown {
    /// The environment variable that sets it.
    pub name: String,
    /// Its value; of a secret, that there is one.
    pub value: Option<String>,
    /// Who has set it: `default`, the environment, or a file.
    pub from: String,
}

fn secret_from_file(name: &str) -> Result<Option<String>, ConfigError> {
    let variable = format!("PORTCULLIS_{name}_FILE");
    let Some(path) = std::env::var_os(&variable).map(PathBuf::from) else { return Ok(None) };
    if std::env::var_os(format!("PORTCULLIS_{name}")).is_some() {
        return Err(ConfigError(format!("either PORTCULLIS_{name} or {variable}, not both")));
    }
    let text = std::fs::read_to_string(&path);
    let text = text.map_err(|why| ConfigError(format!("{variable}: {}: {why}", path.display())))?;
    Ok(Some(text.trim().to_owned()))
}

/// The origin at which a browser on this machine finds the server: where Rocket is told to listen.
fn own_address(profile: Profile, by_tls: bool) -> String {
    let scheme = if by_tls { "https" } else { "http" };
    let rocket =
        Figment::from(Toml::file("Rocket.toml").nested()).merge(Env::prefixed("ROCKET_").global());
    let rocket = rocket.select(profile);
    let port: u16 = rocket.extract_inner("port").unwrap_or(8000);
    match rocket.extract_inner("address").unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)) {
        address if address.is_unspecified() => format!("{scheme}://127.0.0.1:{port}"),
        address => format!("{scheme}://{}", SocketAddr::new(address, port)),
    }
}

/// Addresses and networks, with commas or spaces between them.
fn networks(text: &str) -> Result<Vec<IpNet>, ConfigError> {
    let proxies = text.split([',', ' ']).filter(|text| !text.is_empty());
    proxies
        .map(|text| {
            let net = text.parse::<IpNet>();
            net.or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from)).map_err(|_| {
                ConfigError(format!("PORTCULLIS_TRUSTED_PROXIES: no address or network: {text}"))
            })
        })
        .collect()
}

/// What the file and the environment say.
fn told(profile: &Profile) -> Figment {
    let file = Figment::from(Toml::file("Rocket.toml").nested()).select(profile.clone());
    let names: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
    Figment::from(Serialized::defaults(Raw::default()))
        .merge(file.focus("portcullis"))
        .merge(Env::prefixed("PORTCULLIS_").only(&names))
}

impl Config {
    /// Reads `Rocket.toml` (table `default.portcullis`) and `PORTCULLIS_*`.
    ///
    /// # Errors
    /// A value that cannot be read or run with; the text names it and says what to set.
    pub fn load() -> Result<Self, ConfigError> {
        let profile = Profile::from_env_or("ROCKET_PROFILE", "default");
        check_names(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()))?;
        let figment = told(&profile);
        let mut raw: Raw = figment.extract().map_err(|why| {
            ConfigError(format!("PORTCULLIS_{}: {}", why.path.join("_").to_uppercase(), why.kind))
        })?;
        if let Some(url) = secret_from_file("DATABASE_URL")? {
            raw.database_url = url;
        }
        if let Some(url) = secret_from_file("REDIS_URL")? {
            raw.redis_url = Some(url);
        }
        if raw.base_url.is_none() {
            raw.base_url = Some(own_address(profile, raw.tls_cert.is_some()));
        }
        Self::check(raw)
    }

    fn check(raw: Raw) -> Result<Self, ConfigError> {
        let base_url = raw.base_url.unwrap_or_else(|| "http://127.0.0.1:8000".into());
        let base = Url::parse(&base_url).map_err(|why| {
            ConfigError(format!("PORTCULLIS_BASE_URL is no URL ({why}): set it to https://HOST"))
        })?;
        let loopback = match base.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        };
        let plain = base.path() == "/" && base.query().is_none() && base.fragment().is_none();
        if !plain || !base.username().is_empty() || !matches!(base.scheme(), "http" | "https") {
            let text = "PORTCULLIS_BASE_URL must be an origin: https://HOST, no path and no query";
            return Err(ConfigError(text.into()));
        }
        if base.scheme() == "http" && !loopback && !raw.insecure_http {
            let text = "PORTCULLIS_BASE_URL must be https outside loopback \
                        (or set PORTCULLIS_INSECURE_HTTP=true, for tests alone)";
            return Err(ConfigError(text.into()));
        }
        let trusted_proxies = networks(&raw.trusted_proxies)?;
        let tls = match (raw.tls_cert, raw.tls_key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => {
                let text =
                    "PORTCULLIS_TLS_CERT and PORTCULLIS_TLS_KEY go together: set both, or neither";
                return Err(ConfigError(text.into()));
            }
        };
        if tls.is_some() && base.scheme() == "http" {
            let text = "PORTCULLIS_BASE_URL must be https where PORTCULLIS_TLS_CERT is set";
            return Err(ConfigError(text.into()));
        }
        Ok(Self {
            base_url: base_url.trim_end_matches('/').to_owned(),
            database_url: raw.database_url.into(),
            redis_url: raw.redis_url.filter(|url| !url.is_empty()).map(SecretString::from),
            master_key_file: raw.master_key_file,
            tls,
            management_address: raw.management_address,
            trusted_proxies,
            log: raw.log,
            log_format: raw.log_format,
            access_log: raw.access_log,
            database_connections: raw.database_connections.max(1),
        })
    }

    /// A configuration for tests: this origin, database and master key, everything else by default.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn for_tests(
        base_url: &str,
        database_url: &str,
        master_key_file: PathBuf,
    ) -> Result<Self, ConfigError> {
        Self::check(Raw {
            base_url: Some(base_url.to_owned()),
            database_url: database_url.to_owned(),
            master_key_file,
            ..Raw::default()
        })
    }

    /// The issuer of the tenant with this slug.
    pub fn issuer(&self, slug: &crate::domain::Slug) -> String {
        format!("{}/t/{slug}", self.base_url)
    }

    /// Whether cookies may be sent over TLS alone.
    pub fn is_https(&self) -> bool {
        self.base_url.starts_with("https:")
    }

    /// Every setting as it stands, and who has set it.
    pub fn shown(&self) -> Vec<SettingShown> {
        let figment = told(&Profile::from_env_or("ROCKET_PROFILE", "default"));
        let one = |setting: &Setting| {
            let variable = setting.variable();
            let file = format!("{variable}_FILE");
            let value = figment.find_value(setting.name).ok();
            let value = value.and_then(|value| serde_json::to_value(value).ok());
            let value = value.as_ref().and_then(in_text);
            let metadata = figment.find_metadata(setting.name);
            let from = match metadata.map(|metadata| (&*metadata.name, &metadata.source)) {
                Some((_, Some(Source::File(path)))) => path.display().to_string(),
                Some((name, _)) if name.contains("environment") => "environment".to_owned(),
                _ => "default".to_owned(),
            };
            if setting.is_secret && std::env::var_os(&file).is_some() {
                return SettingShown { name: variable, value: Some("(set)".into()), from: file };
            }
            let value = match setting.name {
                "base_url" => Some(self.base_url.clone()),
                // The path of a file is no secret, a password is.
                "database_url" => {
                    value.map(|url| if url.starts_with("sqlite:") { url } else { "(set)".into() })
                }
                _ if setting.is_secret => value.map(|_| "(set)".into()),
                _ => value,
            };
            SettingShown { name: variable, value, from }
        };
        SETTINGS.iter().map(one).collect()
    }

    /// Whether there is a database: a file that is there, or one that is asked over a network.
    pub fn has_database(&self) -> bool {
        let url = self.database_url();
        url.strip_prefix("sqlite:").is_none_or(|path| std::path::Path::new(path).exists())
    }

    /// The database URL, for the one who connects.
    pub fn database_url(&self) -> &str {
        self.database_url.expose_secret()
    }
}
