//! The page that asks before a forced logout.

use serde::Serialize;

use super::Frame;
use crate::{
    admin::{Ending, samples},
    views::{Page, Template, template},
};

/// The page that asks before a forced logout, with what it would end.
#[derive(Debug, Clone, Serialize)]
pub struct ConfirmEnding {
    /// Around it.
    pub frame: Frame,
    /// Whose sessions, in words.
    pub whose: String,
    /// Where the form goes.
    pub action: String,
    /// Where "no" leads.
    pub back: String,
    /// What would end.
    pub ending: Ending,
}

impl Page for ConfirmEnding {
    const TEMPLATE: Template = template!("console/confirm_ending.html");

    fn samples() -> Vec<(&'static str, Self)> {
        let many = Self {
            frame: Frame::of_operator("sessions"),
            whose: "every session of this tenant, its administrators' too".into(),
            action: "/admin/tenants/acme/logout".into(),
            back: "/admin/tenants/acme".into(),
            ending: samples::ending(),
        };
        let one = Self {
            frame: Frame::of_support("sessions"),
            whose: "this session".into(),
            ending: Ending { sessions: 1, families: 1, more: false, ..samples::ending() },
            ..many.clone()
        };
        vec![("many", many), ("one", one)]
    }
}
