//! The OAuth 2.0 and OpenID Connect flows, without HTTP.

pub mod authorize;
mod checks;
mod claims;
pub mod client_auth;
mod confirmation;
mod decided;
pub mod discovery;
mod engine;
pub mod first_party;
mod grants;
mod hint;
pub mod interaction;
pub mod introspect;
mod issue;
pub mod logout;
mod resource;
mod response;
pub mod revocations;
pub mod revoke;
mod subject;
pub mod token;
pub mod userinfo;
mod verify;

use std::sync::Arc;

use crate::{
    domain::{Actor, Event, Occurrence, Origin, Tenant, Timestamp},
    installation::Installation,
    keys::KeyError,
    protocol::OauthError,
    request_span::RequestSpan,
    storage::StorageError,
};

use crate::keys::RefreshToken;
pub use issue::mint_for_shell;
pub use verify::verify_access_token;

/// One request to one tenant: read-only, made once, handed down.
#[derive(Clone, Copy)]
pub struct Cx<'a> {
    /// The installation.
    pub app: &'a Installation,
    /// The tenant that was addressed.
    pub tenant: &'a Arc<Tenant>,
    /// Where the request came from.
    pub origin: &'a Origin,
    /// The one instant of this request.
    pub now: Timestamp,
}

impl<'a> Cx<'a> {
    /// The context of a request that comes now.
    pub fn new(app: &'a Installation, tenant: &'a Arc<Tenant>, origin: &'a Origin) -> Self {
        Self { app, tenant, origin, now: app.effects.now() }
    }

    /// Whom the request comes from, or is for: one that is registered. What is logged from now on says so.
    pub(crate) fn is_of_client(&self, client_id: &str) {
        RequestSpan::is_of_client(client_id);
    }

    /// Notes a refusal in the audit trail.
    pub(crate) fn refused(&self, actor: &Actor, event: Event) {
        self.app.audit.refused(self.tenant, actor, event, self.origin);
    }

    /// Something that `actor` does, for the transaction that it happens in.
    pub(crate) fn occurrence(&self, actor: &Actor, event: Event) -> Occurrence {
        self.app.audit.occurrence(self.tenant, actor, event, self.origin)
    }
}

impl From<StorageError> for OauthError {
    fn from(error: StorageError) -> Self {
        Self::from(&error)
    }
}

impl From<&StorageError> for OauthError {
    fn from(error: &StorageError) -> Self {
        error.report();
        match error {
            StorageError::Away(_) => Self::unavailable(),
            // Trying again would not help, so nobody is told to.
            _ => Self::server_error(),
        }
    }
}

impl From<KeyError> for OauthError {
    fn from(error: KeyError) -> Self {
        match &error {
            KeyError::Storage(storage) => Self::from(&**storage),
            // Whoever tries again is told that there is no such tenant.
            KeyError::Busy => Self::unavailable().because("too many keys are being made"),
            KeyError::Gone => {
                tracing::warn!(
                    "a tenant has no keys: it was deleted just now, or its keys were lost"
                );
                Self::unavailable()
            }
            KeyError::Broken(_) => {
                tracing::error!(%error, "the keys of a tenant cannot be used");
                Self::server_error()
            }
        }
    }
}
