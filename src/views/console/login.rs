//! The console's login page.

use serde::Serialize;

use crate::views::{Page, Template, template};

/// The console's login page.
#[derive(Debug, Clone, Serialize)]
pub struct Login {
    /// The form's token.
    pub csrf_token: String,
    /// What to put into the tenant field.
    pub tenant: String,
    /// What to put into the name field.
    pub username: String,
    /// What was wrong.
    pub error: Option<String>,
}

impl Page for Login {
    const TEMPLATE: Template = template!("console/login.html");

    fn samples() -> Vec<(&'static str, Self)> {
        let first = Self {
            csrf_token: "the-token-of-the-form".into(),
            tenant: "system".into(),
            username: String::new(),
            error: None,
        };
        let again = Self {
            tenant: "acme".into(),
            username: "ada".into(),
            error: Some("That tenant, name and password do not go together.".into()),
            ..first.clone()
        };
        vec![("first", first), ("again", again)]
    }
}
