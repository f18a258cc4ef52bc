//! The signing keys of a tenant.

use serde::Serialize;

use super::Frame;
use crate::{
    admin::{KeyView, samples},
    views::{Page, Template, template},
};

/// The signing keys.
#[derive(Debug, Clone, Serialize)]
pub struct Keys {
    /// Around it.
    pub frame: Frame,
    /// The keys.
    pub keys: Vec<KeyView>,
    /// What was done.
    pub notice: Option<String>,
}

impl Page for Keys {
    const TEMPLATE: Template = template!("console/keys.html");

    fn samples() -> Vec<(&'static str, Self)> {
        let rotated = Self {
            frame: Frame::of_operator("keys"),
            keys: samples::keys(),
            notice: Some("The next key signs now; a new one was published after it.".into()),
        };
        let read = Self { frame: Frame::of_auditor("keys"), notice: None, ..rotated.clone() };
        vec![("rotated", rotated), ("read", read)]
    }
}
