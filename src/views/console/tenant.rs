//! A tenant: its figures and its settings.

use serde::Serialize;

use super::{Difference, Frame};
use crate::{
    admin::{TenantView, samples},
    views::{Page, Template, template},
};

/// A tenant: its figures and its settings.
#[derive(Debug, Clone, Serialize)]
pub struct TenantPage {
    /// Around it.
    pub frame: Frame,
    /// The tenant.
    pub tenant: TenantView,
    /// Live sessions, as a figure.
    pub sessions: String,
    /// Live token families, as a figure.
    pub families: String,
    /// What was wrong.
    pub error: Option<String>,
    /// The version that the form was filled from.
    pub version: i64,
    /// What another has changed since.
    pub differences: Vec<Difference>,
    /// What was done.
    pub notice: Option<String>,
}

impl Page for TenantPage {
    const TEMPLATE: Template = template!("console/tenant.html");

    fn samples() -> Vec<(&'static str, Self)> {
        let active = Self {
            frame: Frame::of_operator("overview"),
            tenant: samples::tenant(),
            sessions: "1000+".into(),
            families: "0".into(),
            error: None,
            version: 3,
            differences: Vec::new(),
            notice: Some("The settings were changed.".into()),
        };
        let suspended = Self {
            tenant: samples::suspended_tenant(),
            sessions: "1".into(),
            families: "1".into(),
            error: Some("somebody else has changed it since".into()),
            differences: vec![Difference::sample("access_token_ttl", "900", "600")],
            notice: None,
            ..active.clone()
        };
        let read = Self { frame: Frame::of_auditor("overview"), notice: None, ..active.clone() };
        vec![("active", active), ("suspended", suspended), ("read", read)]
    }
}
