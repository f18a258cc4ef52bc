//! The list of sessions.

use serde::Serialize;

use super::{Frame, Paging};
use crate::{
    admin::{SessionView, samples},
    views::{Page, Template, template},
};

/// The list of sessions.
#[derive(Debug, Clone, Serialize)]
pub struct Sessions {
    /// Around it.
    pub frame: Frame,
    /// The sessions.
    pub sessions: Vec<SessionView>,
    /// The filter: a user's id.
    pub user: String,
    /// The filter: a client_id.
    pub client: String,
    /// The filter: an address.
    pub ip: String,
    /// The filter: `true`, `false` or nothing.
    pub active: String,
    /// What was wrong with the filter.
    pub error: Option<String>,
    /// Where to go on.
    pub paging: Paging,
}

impl Page for Sessions {
    const TEMPLATE: Template = template!("console/sessions.html");

    fn samples() -> Vec<(&'static str, Self)> {
        let three = Self {
            frame: Frame::of_operator("sessions"),
            sessions: vec![
                samples::session(),
                samples::ended_session(),
                samples::expired_session(),
            ],
            user: String::new(),
            client: String::new(),
            ip: String::new(),
            active: String::new(),
            error: None,
            paging: Paging::on("/admin/tenants/acme/sessions?after=019b76da"),
        };
        let live = Self {
            frame: Frame::of_auditor("sessions"),
            sessions: vec![samples::session()],
            user: "ada".into(),
            client: "web".into(),
            active: "true".into(),
            paging: Paging::END,
            ..three.clone()
        };
        let wrong = Self {
            frame: Frame::of_support("sessions"),
            sessions: Vec::new(),
            ip: "nowhere".into(),
            active: "false".into(),
            error: Some("ip: an IP address".into()),
            paging: Paging::END,
            ..three.clone()
        };
        vec![("three", three), ("live", live), ("wrong", wrong)]
    }
}
