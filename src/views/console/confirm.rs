//! A question before what cannot be undone.

use serde::Serialize;

use super::Frame;
use crate::views::{Hidden, Page, Template, template};

/// A question before what cannot be undone.
#[derive(Debug, Clone, Serialize)]
pub struct Confirm {
    /// Around it.
    pub frame: Frame,
    /// The question.
    pub title: String,
    /// What follows.
    pub follows: Vec<String>,
    /// The words on the button.
    pub button: String,
    /// Where the form is sent.
    pub action: String,
    /// Where to go instead.
    pub back: String,
    /// What was wrong with the answer.
    pub error: Option<String>,
    /// What must be typed.
    pub typed: Option<String>,
    /// The fields of the form that led here.
    pub fields: Vec<Hidden>,
}

impl Page for Confirm {
    const TEMPLATE: Template = template!("console/confirm.html");

    fn samples() -> Vec<(&'static str, Self)> {
        let asked = Self {
            frame: Frame::of_operator("clients"),
            title: "Remove a secret of client “web”?".into(),
            follows: vec!["Whoever shows it is refused from then on.".into()],
            button: "Remove secret".into(),
            action: "/admin/tenants/acme/clients/web/secrets/11/delete".into(),
            back: "/admin/tenants/acme/clients/web".into(),
            error: None,
            typed: None,
            fields: vec![Hidden::sample("compromised", "on")],
        };
        let typed = Self {
            title: "Delete client “web”?".into(),
            follows: vec!["This ends 2 live sessions.".into(), "Its tokens are refused.".into()],
            button: "Delete client".into(),
            error: Some("That is not its name. Nothing was done.".into()),
            typed: Some("web".into()),
            fields: Vec::new(),
            ..asked.clone()
        };
        vec![("asked", asked), ("typed", typed)]
    }
}
