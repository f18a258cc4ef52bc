//! The page that asks whether to sign out (OpenID Connect RP-Initiated Logout).

use serde::Serialize;

use crate::views::{Hidden, Page, Template, template};

/// The page that asks whether to sign out.
#[derive(Debug, Clone, Serialize)]
pub struct Logout {
    /// The tenant's name.
    pub tenant: String,
    /// The user's name.
    pub user: String,
    /// Where the form goes.
    pub action: String,
    /// The form's token.
    pub csrf_token: String,
    /// The logout request.
    pub fields: Vec<Hidden>,
}

impl Page for Logout {
    const TEMPLATE: Template = template!("pages/logout.html");

    fn samples() -> Vec<(&'static str, Self)> {
        let asked = Self {
            tenant: "Acme".into(),
            user: "ada".into(),
            action: "/t/acme/oauth2/logout".into(),
            csrf_token: "the-token-of-the-form".into(),
            fields: vec![Hidden::sample("client_id", "web"), Hidden::sample("state", "xyz")],
        };
        vec![("asked", asked)]
    }
}
