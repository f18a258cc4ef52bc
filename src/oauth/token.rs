//! The token endpoint (RFC 6749 §3.2).

use super::{
    Cx,
    client_auth::{self, Presented},
    grants::{Exchange, GRANTS},
};
use crate::{
    accounts::Accounts,
    domain::{Actor, Event},
    protocol::{ErrorCode, OauthError, TokenResponse},
};

/// Exchanges a grant for tokens.
///
/// # Errors
/// What RFC 6749 §5.2 names.
pub async fn exchange(
    cx: &Cx<'_>,
    presented: Presented<'_>,
    accounts: &Accounts,
) -> Result<TokenResponse, OauthError> {
    let params = presented.params;
    // A request that is malformed is told so before anybody is asked who they are.
    let grant_type = params.required("grant_type")?;
    let client = client_auth::authenticate(cx, presented).await?;
    let result = match grant_type.parse().ok() {
        None => {
            let text = "grant_type is not served";
            Err(OauthError::new(ErrorCode::UnsupportedGrantType, text)
                .because("unsupported grant type"))
        }
        Some(grant_type) if !client.allows(grant_type) => {
            let text = "the client is not registered for this grant_type";
            Err(OauthError::new(ErrorCode::UnauthorizedClient, text)
                .because("grant type not registered"))
        }
        Some(grant_type) => match GRANTS.iter().find(|grant| grant.grant_type() == grant_type) {
            Some(grant) => {
                grant.exchange(&Exchange { cx: *cx, client: &client, params, accounts }).await
            }
            None => {
                Err(OauthError::new(ErrorCode::UnsupportedGrantType, "grant_type is not served"))
            }
        },
    };
    if let Err(error) = &result {
        let actor = Actor::Client(client.client_id.clone());
        let why = error.reason.clone().unwrap_or(error.code.as_str().into());
        cx.refused(&actor, Event::TokenRefused { grant: grant_type.to_owned(), why });
    }
    result
}
