//! The grants: one file each, and the one list that serves and describes them.

mod authorization_code;
mod client_credentials;
mod password;
mod refresh_token;

pub(super) use authorization_code::{code_digest, new_code};
pub(super) use password::{grant_to as grant_first_party, refusal as sign_in_refusal};
pub(super) use refresh_token::{Asked, rotate};

use super::{Cx, client_auth::Authenticated};
use crate::{
    accounts::Accounts,
    domain::GrantType,
    protocol::{OauthError, Params, TokenResponse},
};

/// One request to exchange a grant, its client authenticated.
pub(super) struct Exchange<'a> {
    pub(super) cx: Cx<'a>,
    pub(super) client: &'a Authenticated,
    pub(super) params: &'a Params,
    pub(super) accounts: &'a Accounts,
}

/// A way to get tokens.
#[async_trait::async_trait]
pub(super) trait Grant: Send + Sync {
    /// Its `grant_type`.
    fn grant_type(&self) -> GrantType;

    /// Exchanges what the request shows for tokens.
    async fn exchange(&self, exchange: &Exchange<'_>) -> Result<TokenResponse, OauthError>;
}

/// Every grant that is served.
pub(super) const GRANTS: [&dyn Grant; 4] = [
    &authorization_code::AuthorizationCodeGrant,
    &refresh_token::RefreshTokenGrant,
    &client_credentials::ClientCredentialsGrant,
    &password::PasswordGrant,
];
