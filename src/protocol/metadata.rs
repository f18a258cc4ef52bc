//! The server's description of itself (RFC 8414 §2, OpenID Connect Discovery §3).

use serde::Serialize;

/// The metadata document of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServerMetadata {
    /// The tenant's issuer.
    pub issuer: String,
    /// Where authorization begins.
    pub authorization_endpoint: String,
    /// Where grants become tokens.
    pub token_endpoint: String,
    /// RFC 7009.
    pub revocation_endpoint: String,
    /// RFC 7662.
    pub introspection_endpoint: String,
    /// OpenID Connect Core §5.3.
    pub userinfo_endpoint: String,
    /// OpenID Connect RP-Initiated Logout.
    pub end_session_endpoint: String,
    /// The tenant's public keys.
    pub jwks_uri: String,
    /// Every scope a client may be registered for.
    pub scopes_supported: Vec<String>,
    /// `code` alone.
    pub response_types_supported: [&'static str; 1],
    /// How a response travels back.
    pub response_modes_supported: Vec<&'static str>,
    /// The grants that some client of the tenant may use.
    pub grant_types_supported: Vec<&'static str>,
    /// `S256` alone.
    pub code_challenge_methods_supported: [&'static str; 1],
    /// How clients authenticate at the token endpoint.
    pub token_endpoint_auth_methods_supported: Vec<&'static str>,
    /// The algorithms of client assertions.
    pub token_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    /// The same for revocation.
    pub revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    /// The algorithms of client assertions at revocation.
    pub revocation_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    /// The same for introspection, which public clients cannot use.
    pub introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    /// The algorithms of client assertions at introspection.
    pub introspection_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    /// `public` alone.
    pub subject_types_supported: [&'static str; 1],
    /// The algorithms that ID tokens may bear.
    pub id_token_signing_alg_values_supported: Vec<&'static str>,
    /// The claims that may be told.
    pub claims_supported: Vec<&'static str>,
    /// The prompts that are understood.
    pub prompt_values_supported: Vec<&'static str>,
    /// RFC 9207.
    pub authorization_response_iss_parameter_supported: bool,
    /// No request objects.
    pub request_parameter_supported: bool,
    /// No request objects by reference.
    pub request_uri_parameter_supported: bool,
    /// No `claims` parameter.
    pub claims_parameter_supported: bool,
}
