//! The cookies that are set, and how.

use rocket::http::{Cookie, CookieJar, SameSite};

use crate::{config::Config, domain::Tenant};

/// Tells a browser from others, for form tokens. Over TLS its name keeps other hosts of the same
/// domain from planting one whose form token they know (RFC 6265bis, `__Host-`).
pub(super) fn browser_name(config: &Config) -> &'static str {
    if config.is_https() { "__Host-portcullis_browser" } else { "portcullis_browser" }
}
/// Tells a browser in which a user has signed in before.
const DEVICE: &str = "portcullis_device";
/// The same for the console, whose address is that of every tenant.
const CONSOLE_DEVICE: &str = "portcullis_console_device";
/// Carries a session at a tenant.
pub(super) const SESSION: &str = "portcullis_session";
/// Carries a session at the console.
pub(super) const CONSOLE: &str = "portcullis_console";

const YEAR: i64 = 31_536_000;

fn cookie(
    config: &Config,
    name: &'static str,
    value: String,
    path: String,
    seconds: Option<i64>,
) -> Cookie<'static> {
    let mut cookie = Cookie::build((name, value))
        .path(path)
        .http_only(true)
        // Lax, not Strict: the way here leads over a link at the client's site.
        .same_site(SameSite::Lax)
        .secure(config.is_https());
    if let Some(seconds) = seconds {
        cookie = cookie.max_age(rocket::time::Duration::seconds(seconds));
    }
    cookie.build()
}

pub(super) fn browser(config: &Config, value: String) -> Cookie<'static> {
    cookie(config, browser_name(config), value, "/".into(), None)
}

fn tenant_path(tenant: &Tenant) -> String {
    format!("/t/{}", tenant.slug)
}

pub(super) fn device(config: &Config, tenant: &Tenant, value: String) -> Cookie<'static> {
    cookie(config, DEVICE, value, tenant_path(tenant), Some(YEAR))
}

pub(super) fn console_device(config: &Config, value: String) -> Cookie<'static> {
    cookie(config, CONSOLE_DEVICE, value, "/admin".into(), Some(YEAR))
}

/// What the browser holds of both.
pub(super) fn devices(jar: &CookieJar<'_>) -> Vec<String> {
    [DEVICE, CONSOLE_DEVICE]
        .iter()
        .filter_map(|name| jar.get(name))
        .map(|cookie| cookie.value().to_owned())
        .collect()
}

pub(super) fn session(config: &Config, tenant: &Tenant, value: String) -> Cookie<'static> {
    cookie(config, SESSION, value, tenant_path(tenant), Some(tenant.settings.session_max_ttl))
}

pub(super) fn session_gone(config: &Config, tenant: &Tenant) -> Cookie<'static> {
    cookie(config, SESSION, String::new(), tenant_path(tenant), Some(0))
}

/// The console's cookie names its tenant too: the console's address does not.
pub(super) fn console(config: &Config, tenant: &Tenant, value: &str) -> Cookie<'static> {
    cookie(config, CONSOLE, format!("{}.{value}", tenant.slug), "/admin".into(), None)
}

pub(super) fn console_gone(config: &Config) -> Cookie<'static> {
    cookie(config, CONSOLE, String::new(), "/admin".into(), Some(0))
}
