//! The audit trail.

use serde::Serialize;

use super::{Frame, Paging};
use crate::{
    admin::{AuditView, samples},
    views::{Page, Template, template},
};

/// The audit trail.
#[derive(Debug, Clone, Serialize)]
pub struct Audit {
    /// Around it.
    pub frame: Frame,
    /// The entries.
    pub events: Vec<AuditView>,
    /// The filter: an actor.
    pub actor: String,
    /// The filter: an action.
    pub action: String,
    /// Where to go on.
    pub paging: Paging,
}

impl Page for Audit {
    const TEMPLATE: Template = template!("console/audit.html");

    fn samples() -> Vec<(&'static str, Self)> {
        let all = Self {
            frame: Frame::of_operator("audit"),
            events: samples::audit(),
            actor: String::new(),
            action: String::new(),
            paging: Paging::on("/admin/tenants/acme/audit?after=019b76da"),
        };
        let none = Self {
            frame: Frame::of_auditor("audit"),
            events: Vec::new(),
            actor: "shell".into(),
            action: "refresh.reuse".into(),
            paging: Paging::END,
        };
        vec![("all", all), ("none", none)]
    }
}
