//! The login page.

use serde::Serialize;

use crate::views::{Page, Template, template};

/// The login page.
#[derive(Debug, Clone, Serialize)]
pub struct Login {
    /// The tenant's name.
    pub tenant: String,
    /// The client that sent the user here.
    pub client: Option<String>,
    /// Where the form goes.
    pub action: String,
    /// The form's token.
    pub csrf_token: String,
    /// The authorization request to come back to.
    pub request: Option<String>,
    /// What to put into the name field.
    pub username: String,
    /// What was wrong.
    pub error: Option<String>,
}

impl Page for Login {
    const TEMPLATE: Template = template!("pages/login.html");

    fn samples() -> Vec<(&'static str, Self)> {
        let own = Self {
            tenant: "Acme".into(),
            client: None,
            action: "/t/acme/login".into(),
            csrf_token: "the-token-of-the-form".into(),
            request: None,
            username: String::new(),
            error: None,
        };
        let again = Self {
            client: Some("Acme Web".into()),
            request: Some("response_type=code&client_id=web".into()),
            username: "ada".into(),
            error: Some("That name and password do not go together.".into()),
            ..own.clone()
        };
        vec![("own", own), ("again", again)]
    }
}
