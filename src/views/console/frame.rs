//! What surrounds every page of the console.

use serde::Serialize;

/// What every page of the console shows around its own matter.
#[derive(Debug, Clone, Serialize)]
pub struct Frame {
    /// Who is signed in.
    pub user: String,
    /// Whether they operate the installation.
    pub operator: bool,
    /// Whether they may change things.
    pub can_write: bool,
    /// Whether they may end sessions.
    pub can_end: bool,
    /// Whether everything of a client or of the tenant.
    pub can_end_at_large: bool,
    /// Whether a user can be given a new password.
    pub can_reset: bool,
    /// The form's token.
    pub csrf_token: String,
    /// The tenant that is looked at, and its name.
    pub slug: Option<String>,
    /// Its name.
    pub tenant: Option<String>,
    /// Which part of the console this is.
    pub section: &'static str,
}

impl Frame {
    /// Around a page of a tenant, for an operator, who may do everything.
    pub(super) fn of_operator(section: &'static str) -> Self {
        Self {
            user: "root".into(),
            operator: true,
            can_write: true,
            can_end: true,
            can_end_at_large: true,
            can_reset: true,
            csrf_token: "the-token-of-the-form".into(),
            slug: Some("acme".into()),
            tenant: Some("Acme".into()),
            section,
        }
    }

    /// Around a page of no tenant in particular, for an operator.
    pub(super) fn of_installation(section: &'static str) -> Self {
        Self { slug: None, tenant: None, ..Self::of_operator(section) }
    }

    /// Around a page of a tenant, for an auditor of it, who may read and no more.
    pub(super) fn of_auditor(section: &'static str) -> Self {
        Self {
            user: "Grace Hopper".into(),
            operator: false,
            can_write: false,
            can_end: false,
            can_end_at_large: false,
            can_reset: false,
            ..Self::of_operator(section)
        }
    }

    /// Around a page of a tenant, for its support, who ends sessions and gives new passwords.
    pub(super) fn of_support(section: &'static str) -> Self {
        Self { can_end: true, can_reset: true, ..Self::of_auditor(section) }
    }
}
