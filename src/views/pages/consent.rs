//! The consent page.

use serde::Serialize;

use crate::views::{Page, Template, template};

/// A scope in words.
#[derive(Debug, Clone, Serialize)]
pub struct ScopeLine {
    /// The scope token.
    pub name: String,
    /// What it allows.
    pub description: String,
}

/// The consent page.
#[derive(Debug, Clone, Serialize)]
pub struct Consent {
    /// The tenant's name.
    pub tenant: String,
    /// The client's name.
    pub client: String,
    /// Where the answer goes, so that the user sees it.
    pub redirect_host: String,
    /// The user's name.
    pub user: String,
    /// What is asked for.
    pub scopes: Vec<ScopeLine>,
    /// Where the form goes.
    pub action: String,
    /// The form's token.
    pub csrf_token: String,
    /// The authorization request.
    pub request: String,
}

impl Page for Consent {
    const TEMPLATE: Template = template!("pages/consent.html");

    fn samples() -> Vec<(&'static str, Self)> {
        let described =
            ScopeLine { name: "reports.read".into(), description: "Read your reports".into() };
        let bare = ScopeLine { name: "reports.write".into(), description: String::new() };
        let asked = Self {
            tenant: "Acme".into(),
            client: "Acme Web".into(),
            redirect_host: "app.acme.example".into(),
            user: "Ada Lovelace".into(),
            scopes: vec![described, bare],
            action: "/t/acme/consent".into(),
            csrf_token: "the-token-of-the-form".into(),
            request: "response_type=code&client_id=web".into(),
        };
        vec![("asked", asked)]
    }
}
