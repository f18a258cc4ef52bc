//! A client's secret, shown once.

use serde::Serialize;

use super::Frame;
use crate::{
    admin::samples,
    views::{Page, Template, template},
};

/// A secret, shown once.
#[derive(Debug, Clone, Serialize)]
pub struct ClientSecretPage {
    /// Around it.
    pub frame: Frame,
    /// Whose it is.
    pub client_id: String,
    /// The secret.
    pub client_secret: String,
    /// When the others stop counting.
    pub others_expire_at: Option<String>,
}

impl Page for ClientSecretPage {
    const TEMPLATE: Template = template!("console/client_secret.html");

    fn samples() -> Vec<(&'static str, Self)> {
        let first = Self {
            frame: Frame::of_operator("clients"),
            client_id: "web".into(),
            client_secret: "pcs_a-secret-that-is-shown-once".into(),
            others_expire_at: None,
        };
        let another =
            Self { others_expire_at: Some(samples::NOW.plus(86_400).to_string()), ..first.clone() };
        vec![("first", first), ("another", another)]
    }
}
