//! The metadata document, derived from the lists that serve (RFC 8414).

use std::sync::Arc;

use super::{Cx, claims, grants::GRANTS};
use crate::{
    domain::{AuthMethod, GrantType, SigningAlg},
    keys::AssertionAlg,
    protocol::{OauthError, Scope, ServerMetadata},
};

/// What the tenant serves, as JSON: a grant that no client of it may use is not in it.
///
/// # Errors
/// `temporarily_unavailable` where the clients cannot be read.
pub async fn metadata(cx: &Cx<'_>) -> Result<Arc<str>, OauthError> {
    let in_use = cx.app.directory.grants_in_use(cx.tenant).await?;
    cx.app.metadata.find_or(cx.tenant.id, (cx.tenant, &in_use), || {
        let document = document(cx, &in_use);
        serde_json::to_string(&document).map_err(|_| OauthError::unavailable())
    })
}

fn document(cx: &Cx<'_>, in_use: &[GrantType]) -> ServerMetadata {
    let issuer = cx.app.issuer(cx.tenant);
    let at = |path: &str| format!("{issuer}/oauth2/{path}");
    let opt_in = GrantType::Password;
    let grants = GRANTS.iter().map(|grant| grant.grant_type());
    let grants = grants
        .filter(|grant| *grant != opt_in || in_use.contains(grant))
        .map(|grant| grant.as_str());
    let methods: Vec<&str> = AuthMethod::ALL.iter().map(|method| method.as_str()).collect();
    let confidential = AuthMethod::ALL
        .iter()
        .filter(|method| **method != AuthMethod::None)
        .map(|method| method.as_str());
    let assertion_algs: Vec<&str> = AssertionAlg::ALL.iter().map(|alg| alg.as_str()).collect();
    let scopes = Scope::BUILT_IN.iter().map(|(name, _)| (*name).to_owned());
    let scopes = scopes.chain(cx.tenant.scopes.iter().map(|scope| scope.name.clone()));
    ServerMetadata {
        authorization_endpoint: at("authorize"),
        token_endpoint: at("token"),
        revocation_endpoint: at("revoke"),
        introspection_endpoint: at("introspect"),
        userinfo_endpoint: at("userinfo"),
        end_session_endpoint: at("logout"),
        jwks_uri: at("jwks"),
        scopes_supported: scopes.collect(),
        response_types_supported: ["code"],
        response_modes_supported: vec!["query", "form_post"],
        grant_types_supported: grants.collect(),
        code_challenge_methods_supported: ["S256"],
        token_endpoint_auth_methods_supported: methods.clone(),
        token_endpoint_auth_signing_alg_values_supported: assertion_algs.clone(),
        revocation_endpoint_auth_methods_supported: methods,
        revocation_endpoint_auth_signing_alg_values_supported: assertion_algs.clone(),
        introspection_endpoint_auth_methods_supported: confidential.collect(),
        introspection_endpoint_auth_signing_alg_values_supported: assertion_algs,
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: SigningAlg::ALL
            .iter()
            .map(|alg| alg.as_str())
            .collect(),
        claims_supported: claims::supported(),
        prompt_values_supported: vec!["none", "login", "consent", "select_account"],
        authorization_response_iss_parameter_supported: true,
        request_parameter_supported: false,
        request_uri_parameter_supported: false,
        claims_parameter_supported: false,
        issuer,
    }
}
