//! A page that says one thing.

use serde::Serialize;

use crate::views::{Page, Template, template};

/// A page that says one thing: an error, or that something is done.
#[derive(Debug, Clone, Serialize)]
pub struct Message {
    /// Its heading.
    pub title: String,
    /// What it says.
    pub text: String,
    /// A word for support, where there is one: an error code.
    pub code: Option<String>,
    /// Which request it was, where something was wrong with it.
    pub request_id: Option<String>,
}

impl Page for Message {
    const TEMPLATE: Template = template!("pages/message.html");

    fn samples() -> Vec<(&'static str, Self)> {
        let done = Self {
            title: "You are signed out".into(),
            text: "You can close this window.".into(),
            code: None,
            request_id: None,
        };
        let error = Self {
            title: "This request cannot be answered".into(),
            text: "redirect_uri is none of this client's".into(),
            code: Some("invalid_request".into()),
            request_id: Some("4bf92f3577b34da6a3ce929d0e0e4736".into()),
        };
        vec![("done", done), ("error", error)]
    }
}
