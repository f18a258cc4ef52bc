//! The page that posts an authorization response (OAuth 2.0 Form Post Response Mode).

use serde::Serialize;

use crate::views::{Hidden, Page, Template, template};

/// The page that posts an authorization response (OAuth 2.0 Form Post Response Mode).
#[derive(Debug, Clone, Serialize)]
pub struct FormPost {
    /// The client's redirect URI.
    pub action: String,
    /// The response.
    pub fields: Vec<Hidden>,
}

impl Page for FormPost {
    const TEMPLATE: Template = template!("pages/form_post.html");

    fn samples() -> Vec<(&'static str, Self)> {
        let response = Self {
            action: "https://app.acme.example/callback".into(),
            fields: vec![Hidden::sample("code", "pcc_code"), Hidden::sample("state", "a b\"c")],
        };
        vec![("response", response)]
    }
}
