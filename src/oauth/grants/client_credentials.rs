//! Client credentials (RFC 6749 §4.4).

use super::{Exchange, Grant};
use crate::{
    domain::GrantType,
    oauth::{decided::Decided, engine, issue, resource},
    protocol::{OauthError, Scope, TokenResponse},
};

pub(super) struct ClientCredentialsGrant;

#[async_trait::async_trait]
impl Grant for ClientCredentialsGrant {
    fn grant_type(&self) -> GrantType {
        GrantType::ClientCredentials
    }

    async fn exchange(&self, exchange: &Exchange<'_>) -> Result<TokenResponse, OauthError> {
        let Exchange { cx, client, params, .. } = exchange;
        if !client.is_confidential() {
            return Err(OauthError::invalid_client().because("a public client has no credentials"));
        }
        // There is no user: the scopes that speak of one cannot be granted.
        let ceiling = client.metadata.scope.filter(|token| !Scope::is_of_user(token));
        let default = resource::default_scope(client, false);
        let scope = engine::narrow(params.find("scope"), &ceiling, &default)?;
        let resources = resource::requested(cx.tenant, params.resources(), &scope)?;
        let keys = cx.app.keys.of(cx.tenant).await?;
        if !client.tenant().is_active() {
            return Err(OauthError::invalid_client().because("tenant suspended meanwhile"));
        }
        // The token bears the number by which the client's proof was checked: what has happened to
        // it since outlives the token.
        let decided = Decided {
            known: client.known(),
            scope,
            resource: &resources,
            ttl: client.tenant().settings.access_token_ttl,
            ..Decided::of_client(cx, &client.client_id)
        };
        issue::issue(cx, &keys, decided)
    }
}
