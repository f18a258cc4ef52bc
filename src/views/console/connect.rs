//! What the developers of a client need: where its tenant is, programs with its values, and what it was refused.

use serde::Serialize;

use crate::{
    admin::{AuditView, ClientView, cure_of},
    domain::{ApplicationType, AuthMethod, GrantType, RedirectUri, Timestamp},
    views::snippets::{Program, Snippet, SnippetError, Values},
};

/// What the developers of a client need.
#[derive(Debug, Clone, Serialize)]
pub struct Connect {
    /// The tenant's issuer.
    pub issuer: String,
    /// Where its metadata is.
    pub metadata: String,
    /// Its endpoints, by their names in the metadata.
    pub endpoints: Vec<Endpoint>,
    /// Programs for it.
    pub programs: Vec<Program>,
    /// What it was refused last.
    pub refusals: Vec<Refusal>,
}

/// An address of the tenant's.
#[derive(Debug, Clone, Serialize)]
pub struct Endpoint {
    /// Its name in the metadata (RFC 8414 §2).
    pub name: &'static str,
    /// Where it is.
    pub address: String,
}

/// Something that a client was refused.
#[derive(Debug, Clone, Serialize)]
pub struct Refusal {
    /// When.
    pub at: Timestamp,
    /// What: the action of the trail.
    pub action: String,
    /// Why.
    pub reason: String,
    /// What to change, where that is known.
    pub cure: Option<&'static str>,
}

impl From<AuditView> for Refusal {
    fn from(entry: AuditView) -> Self {
        let AuditView { at, action, reason, .. } = entry;
        Self { at, action, cure: cure_of(&reason), reason }
    }
}

/// What a client is, where its registration does not say so.
fn kind_of(client: &ClientView) -> ApplicationType {
    let metadata = &client.metadata;
    let signs_in = metadata.grant_types.contains(&GrantType::AuthorizationCode);
    let is_public = metadata.token_endpoint_auth_method == AuthMethod::None;
    metadata.application_type.unwrap_or(match (signs_in, is_public) {
        (true, false) => ApplicationType::Web,
        (true, true) => ApplicationType::SinglePage,
        (false, _) => ApplicationType::Machine,
    })
}

/// An address on the developer's own machine that names no port may have any (RFC 8252 §7.3): one that nobody has
/// to be root for.
fn with_port(uri: &str) -> String {
    match url::Url::parse(uri) {
        Ok(mut parsed) if parsed.host_str() == Some("127.0.0.1") && parsed.port().is_none() => {
            match parsed.set_port(Some(9000)) {
                Ok(()) => parsed.into(),
                Err(()) => uri.to_owned(),
            }
        }
        _ => uri.to_owned(),
    }
}

/// Programs for a client; none where its values would break them.
fn programs(client: &ClientView, issuer: &str) -> Result<Vec<Program>, SnippetError> {
    let first = |uris: &[RedirectUri]| {
        // One that can be tried on the developer's own machine, before others.
        let here = uris.iter().find(|uri| uri.as_str().starts_with("http://127.0.0.1"));
        here.or(uris.first()).map(|uri| with_port(uri.as_str()))
    };
    let redirect_uri = first(&client.metadata.redirect_uris);
    let redirect_uri = redirect_uri.unwrap_or_else(|| "http://127.0.0.1:8080/".into());
    let values = Values {
        issuer: issuer.to_owned(),
        client_id: client.client_id.clone(),
        post_logout_redirect_uri: first(&client.metadata.post_logout_redirect_uris)
            .unwrap_or_else(|| redirect_uri.clone()),
        scope: client.metadata.scope.to_string(),
        guard: "PORTCULLIS/guard".into(),
        redirect_uri,
    };
    let path = url::Url::parse(&values.redirect_uri).ok().map(|uri| uri.path().to_owned());
    let fits = |snippet: &Snippet| snippet.path.is_none() || snippet.path == path;
    Snippet::of(kind_of(client))?
        .iter()
        .filter(|snippet| fits(snippet))
        .map(|snippet| snippet.written(&values))
        .collect()
}

impl Connect {
    /// What the developers of `client` need.
    pub fn of(client: &ClientView, issuer: &str, refusals: Vec<AuditView>) -> Self {
        let at = |name, path| Endpoint { name, address: format!("{issuer}/oauth2/{path}") };
        Self {
            issuer: issuer.to_owned(),
            metadata: format!("{issuer}/.well-known/openid-configuration"),
            endpoints: vec![
                at("authorization_endpoint", "authorize"),
                at("token_endpoint", "token"),
                at("userinfo_endpoint", "userinfo"),
                at("end_session_endpoint", "logout"),
                at("introspection_endpoint", "introspect"),
                at("revocation_endpoint", "revoke"),
                at("jwks_uri", "jwks"),
            ],
            programs: programs(client, issuer).unwrap_or_default(),
            refusals: refusals.into_iter().map(Refusal::from).collect(),
        }
    }
}
