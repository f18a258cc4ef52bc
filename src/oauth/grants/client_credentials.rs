//! Client credentials (RFC 6749 §4.4).

use super::{Exchange, Grant};
use crate::{
    domain::GrantType,
    oauth::{
        engine,
        issue::{self, ClientGrant},
        resource,
    },
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
        let of_user = [Scope::OPENID, "profile", "email", "offline_access"];
        let ceiling = client.metadata.scope.filter(|token| !of_user.contains(&token));
        let default = resource::default_scope(client, false);
        let scope = engine::narrow(params.find("scope"), &ceiling, &default)?;
        let resources = resource::requested(cx.tenant, params.resources())?;
        let keys = cx.app.keys.of(cx.tenant).await?;
        // Tenant and client were looked up when the request came. What they are now decides, and
        // the token bears the number that this is known by.
        let known = cx.app.directory.known(cx.tenant, &client.client_id).await?;
        let known = known.filter(|known| known.tenant.is_active() && known.client.allows(GrantType::ClientCredentials));
        let known = known.ok_or_else(|| OauthError::invalid_client().because("client or tenant gone meanwhile"))?;
        let grant = ClientGrant {
            client_id: &client.client_id,
            known: known.by,
            scope,
            resource: &resources,
            ttl: known.tenant.settings.access_token_ttl,
        };
        issue::for_client(cx, &keys, grant)
    }
}
