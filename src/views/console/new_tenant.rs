//! The form for a new tenant.

use serde::Serialize;

use super::Frame;
use crate::views::{Page, Template, template};

/// The form for a new tenant.
#[derive(Debug, Clone, Serialize)]
pub struct NewTenant {
    /// Around it.
    pub frame: Frame,
    /// What was typed.
    pub slug: String,
    /// What was typed.
    pub name: String,
    /// What was wrong.
    pub error: Option<String>,
}

impl Page for NewTenant {
    const TEMPLATE: Template = template!("console/new_tenant.html");

    fn samples() -> Vec<(&'static str, Self)> {
        let empty = Self {
            frame: Frame::of_installation("tenants"),
            slug: String::new(),
            name: String::new(),
            error: None,
        };
        let wrong = Self {
            slug: "Acme!".into(),
            name: "Acme".into(),
            error: Some("slug: 1 to 63 of a-z, 0-9 and -, not starting with -".into()),
            ..empty.clone()
        };
        vec![("empty", empty), ("wrong", wrong)]
    }
}
