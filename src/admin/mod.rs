//! The use cases of the console, the admin API and the command line: one implementation, three doors.
//!
//! Each takes a [`Permit`] or an [`Everywhere`], which an [`Authority`] alone hands out.

mod audit;
mod authority;
mod bootstrap;
mod clients;
mod consents;
mod error;
mod expected;
mod file;
mod input;
mod keys;
mod refusals;
mod roles;
mod sessions;
mod tenants;
mod users;
mod view;

pub use audit::list_audit;
pub use authority::{Authority, Everywhere, Permit};
pub use bootstrap::{ensure_system_tenant, has_operator, seed_demo};
pub use clients::{
    check_client_change, create_client, create_secret, delete_client, delete_secret, list_clients,
    show_client, update_client,
};
pub use consents::{list_consents, withdraw_consent};
pub use error::AdminError;
pub use expected::Expected;
pub use file::{Change, FieldChange, File, Manner, Prune, What, apply, export};
pub use input::{ClientInput, TenantInput, TokenInput, UserInput};
pub use keys::{list_keys, rotate_keys, withdraw_key};
pub use refusals::{cure_of, list_refusals};
pub use roles::{Action, Whom, allowed};
pub use sessions::{
    count_active, count_reached, end_sessions, list_sessions, revoke_jti, revoke_token,
    show_session, wait_until_effective, where_effective,
};
pub use tenants::{
    create_tenant, delete_tenant, find_tenant, list_tenants, resume_tenant, show_tenant,
    suspend_tenant, update_tenant,
};
pub use users::{
    check_user_deletion, create_user, delete_user, find_user_by_name_or_id, list_users, show_user,
    update_user,
};
pub use view::{
    AuditView, ClientView, ConsentView, CreatedClient, CreatedSecret, Ending, FamilyView, KeyView,
    Listed, SecretView, SessionView, TenantView, UserView, samples,
};

use secrecy::SecretString;

use crate::{
    accounts::{Accounts, PasswordOwner},
    domain::Tenant,
    installation::Installation,
};

/// What every use case works with.
#[derive(Clone, Copy)]
pub struct Admin<'a> {
    /// The installation.
    pub app: &'a Installation,
    /// Users and what they prove who they are with.
    pub accounts: &'a Accounts,
}

impl Admin<'_> {
    async fn hash(
        &self,
        tenant: &Tenant,
        owner: &PasswordOwner<'_>,
        password: &SecretString,
    ) -> Result<String, AdminError> {
        Ok(self.accounts.hash(tenant, owner, password).await?)
    }
}

/// Reads a JSON body as the input of a use case.
///
/// # Errors
/// [`AdminError::Invalid`] with the field at fault.
pub fn read_input<T: serde::de::DeserializeOwned>(
    body: &serde_json::Value,
) -> Result<T, AdminError> {
    Ok(input::read(body)?)
}

/// A page holds this many items at most.
pub const MOST_ITEMS: i64 = 200;

/// The page size for a wish.
pub(crate) fn limited(wish: Option<i64>) -> i64 {
    wish.unwrap_or(50).clamp(1, MOST_ITEMS)
}
