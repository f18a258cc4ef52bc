//! Redirect URIs: what may be registered, and what counts as the registered one
//! (RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §2.1).

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// Whether `host` is a loopback address written as a number.
fn is_loopback_literal(uri: &Url) -> bool {
    match uri.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        _ => false,
    }
}

/// Parses `text` where it is spelled just as the URL standard would spell it, so that no
/// second parser can see another address in it.
fn parse_exact(text: &str) -> Option<Url> {
    let uri = Url::parse(text).ok()?;
    let spelled = uri.as_str() == text || uri.as_str() == format!("{text}/");
    let plain = uri.username().is_empty() && uri.password().is_none() && uri.fragment().is_none();
    (spelled && plain).then_some(uri)
}

/// An address that a client may be sent back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RedirectUri(String);

impl RedirectUri {
    /// The address as it was registered.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `presented` is this address: the same text, but that the port of a loopback IP literal
    /// may differ (RFC 8252 §7.3).
    pub fn matches(&self, presented: &str) -> bool {
        if self.0 == presented {
            return true;
        }
        let (Some(mut known), Some(mut given)) = (parse_exact(&self.0), parse_exact(presented))
        else {
            return false;
        };
        let loopback = known.scheme() == "http" && is_loopback_literal(&known);
        // Only the port may differ: the spelling of the rest was compared by parse_exact.
        loopback && known.set_port(None).is_ok() && given.set_port(None).is_ok() && known == given
    }
}

impl FromStr for RedirectUri {
    type Err = NotARedirectUri;

    fn from_str(text: &str) -> Result<Self, NotARedirectUri> {
        check(text).map(|()| Self(text.to_owned())).map_err(NotARedirectUri)
    }
}

impl TryFrom<String> for RedirectUri {
    type Error = NotARedirectUri;

    fn try_from(text: String) -> Result<Self, NotARedirectUri> {
        check(&text).map(|()| Self(text)).map_err(NotARedirectUri)
    }
}

impl From<RedirectUri> for String {
    fn from(uri: RedirectUri) -> Self {
        uri.0
    }
}

/// A text that no client may be sent back to, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotARedirectUri(&'static str);

fn check(text: &str) -> Result<(), &'static str> {
    if text.len() > 2000 {
        return Err("at most 2000 bytes");
    }
    if text.contains('*') {
        return Err("wildcards are not allowed: register each address");
    }
    if text.contains('#') {
        return Err("no fragment (RFC 6749 section 3.1.2)");
    }
    let uri =
        parse_exact(text).ok_or("an absolute URI in its normal spelling, without user info")?;
    match uri.scheme() {
        "https" => Ok(()),
        "http" if is_loopback_literal(&uri) || uri.host_str() == Some("localhost") => Ok(()),
        "http" => Err("https, or http on a loopback address"),
        // RFC 8252 section 7.1: a private scheme is a reversed domain name, so it has a dot;
        // that also keeps out javascript:, data:, vbscript:, blob: and file:.
        scheme if scheme.contains('.') => Ok(()),
        _ => Err("https, http on loopback, or a private scheme with a dot (RFC 8252)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(registered: &str, presented: &str) -> bool {
        registered.parse::<RedirectUri>().is_ok_and(|known| known.matches(presented))
    }

    #[test]
    fn only_the_port_of_a_loopback_literal_may_vary() {
        let registered = "http://127.0.0.1/cb";
        assert!(matches(registered, "http://127.0.0.1:49152/cb"));
        assert!(!matches(registered, "http://127.0.0.1:49152/other"));
        assert!(!matches(registered, "http://127.0.0.2/cb"));
        assert!(!matches(registered, "http://localhost:49152/cb"));
        assert!(!matches("http://localhost/cb", "http://localhost:1/cb"));
        assert!(!matches("https://app.example/cb", "https://app.example:444/cb"));
    }

    #[test]
    fn spelling_tricks_do_not_match() {
        let registered = "http://127.0.0.1/cb";
        for trick in [
            "http://127.0.0.1:1/CB",
            "http://127.0.0.1:1/cb/",
            "http://127.0.0.1:1/x/../cb",
            "http://127.0.0.1:1/cb?x=1",
            "http://127.0.0.1:1@evil.example/cb",
            "http://127.0.0.1@@evil.example/cb",
            "http://0x7f.1/cb",
            "http://127.0.0.1\\@evil.example/cb",
        ] {
            assert!(!matches(registered, trick), "{trick}");
        }
    }

    #[test]
    fn dangerous_schemes_cannot_be_registered() {
        for bad in [
            "javascript:alert(1)",
            "jAvAsCrIpT:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "http://app.example/cb",
            "https://*.example/cb",
            "https://app.example/cb#f",
            "https://u@app.example/cb",
            "/relative",
            "",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
        for good in [
            "https://app.example/cb",
            "http://127.0.0.1/cb",
            "http://[::1]:80/cb",
            "com.example.app:/cb",
        ] {
            let spelled = good == "http://[::1]:80/cb";
            assert_eq!(check(good).is_ok(), !spelled, "{good}");
        }
    }
}
