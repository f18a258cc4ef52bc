//! What an issuer says of itself (RFC 8414, OpenID Connect Discovery 1.0).

use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, de::DeserializeOwned};

/// How long an issuer may take over an answer, as a whole.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// How much of an answer is read: a key set of a hundred keys is far below.
const MOST: usize = 512 * 1024;

/// An issuer's metadata, as far as a guard needs it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Metadata {
    issuer: String,
    pub(crate) jwks_uri: String,
    pub(crate) token_endpoint: Option<String>,
    pub(crate) introspection_endpoint: Option<String>,
}

/// Why something could not be had from an issuer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotFetched {
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    #[error("the answer is larger than {MOST} bytes")]
    TooLarge,
    #[error("the answer is not what it should be: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("there is no such issuer")]
    NoIssuer,
    #[error("the metadata is of {0}")]
    Another(String),
    #[error("{0} is no address of https, which the issuer's own is")]
    NotHttps(String),
}

impl NotFetched {
    /// Whether there is no such issuer, so that asking again would bring nothing else.
    pub(crate) fn is_of_no_issuer(&self) -> bool {
        matches!(self, Self::NoIssuer | Self::Another(_))
    }

    fn has_status(&self, statuses: &[StatusCode]) -> bool {
        matches!(self, Self::Http(why) if why.status().is_some_and(|it| statuses.contains(&it)))
    }
}

/// What was fetched, and for how long it may be held, where that is said.
pub(crate) struct Fetched<T> {
    pub(crate) value: T,
    pub(crate) held_for: Option<Duration>,
}

/// The addresses where metadata of an issuer may be: OpenID Connect's, and RFC 8414's, which puts the path last.
fn addresses(issuer: &str) -> [String; 2] {
    let base = issuer.trim_end_matches('/');
    let at = base.find("://").map_or(0, |at| at + 3);
    let (host, path) = base.split_at(base[at..].find('/').map_or(base.len(), |slash| at + slash));
    [
        format!("{base}/.well-known/openid-configuration"),
        format!("{host}/.well-known/oauth-authorization-server{path}"),
    ]
}

/// Reads the metadata of `issuer`.
pub(crate) async fn of(http: &reqwest::Client, issuer: &str) -> Result<Metadata, NotFetched> {
    let [first, second] = addresses(issuer);
    let gone = [StatusCode::NOT_FOUND, StatusCode::GONE];
    let metadata: Metadata = match fetch(http, &first).await {
        Ok(fetched) => fetched.value,
        Err(NotFetched::Http(why)) if why.is_status() => {
            let is_gone = why.status().is_some_and(|status| gone.contains(&status));
            match fetch(http, &second).await {
                Err(why) if is_gone && why.has_status(&gone) => return Err(NotFetched::NoIssuer),
                answered => answered?.value,
            }
        }
        Err(why) => return Err(why),
    };
    // RFC 8414 §3.3: whoever answers for another issuer must not be believed.
    if metadata.issuer != issuer {
        return Err(NotFetched::Another(metadata.issuer));
    }
    let named = [
        Some(&metadata.jwks_uri),
        metadata.token_endpoint.as_ref(),
        metadata.introspection_endpoint.as_ref(),
    ];
    let is_open =
        |address: &&String| issuer.starts_with("https:") && !address.starts_with("https:");
    let open = named.into_iter().flatten().find(is_open).cloned();
    match open {
        Some(address) => Err(NotFetched::NotHttps(address)),
        None => Ok(metadata),
    }
}

/// Reads a JSON document.
pub(crate) async fn fetch<T: DeserializeOwned>(
    http: &reqwest::Client,
    address: &str,
) -> Result<Fetched<T>, NotFetched> {
    let asked = http.get(address).timeout(ANSWER_WITHIN);
    let mut answer = asked.send().await?.error_for_status()?;
    let held_for = answer
        .headers()
        .get(http::header::CACHE_CONTROL)
        .and_then(|line| max_age(line.to_str().ok()?));
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > MOST {
            return Err(NotFetched::TooLarge);
        }
    }
    Ok(Fetched { value: serde_json::from_slice(&body)?, held_for })
}

/// For how long `Cache-Control` lets an answer be held (RFC 9111 §5.2.2); zero where it may not be.
fn max_age(line: &str) -> Option<Duration> {
    let mut directives = line.split(',').map(|part| part.trim().to_ascii_lowercase());
    let named = |part: String| match part.as_str() {
        "no-store" | "no-cache" => Some(0),
        part => {
            part.strip_prefix("max-age=").and_then(|seconds| seconds.trim_matches('"').parse().ok())
        }
    };
    directives.find_map(named).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_addresses_are_as_their_documents_have_them() {
        let [openid, oauth] = addresses("https://id.example/t/acme");
        assert_eq!(openid, "https://id.example/t/acme/.well-known/openid-configuration");
        assert_eq!(oauth, "https://id.example/.well-known/oauth-authorization-server/t/acme");
        assert_eq!(
            addresses("https://id.example"),
            [
                "https://id.example/.well-known/openid-configuration",
                "https://id.example/.well-known/oauth-authorization-server",
            ]
        );
    }

    #[test]
    fn cache_control_is_read() {
        assert_eq!(max_age("public, max-age=300"), Some(Duration::from_secs(300)));
        assert_eq!(max_age("no-store"), Some(Duration::ZERO));
        assert_eq!(max_age("public"), None);
    }
}
