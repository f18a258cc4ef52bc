//! One session, with its token families.

use serde::Serialize;

use super::Frame;
use crate::{
    admin::{SessionView, samples},
    views::{Page, Template, template},
};

/// One session.
#[derive(Debug, Clone, Serialize)]
pub struct SessionPage {
    /// Around it.
    pub frame: Frame,
    /// The session.
    pub session: SessionView,
}

impl Page for SessionPage {
    const TEMPLATE: Template = template!("console/session.html");

    fn samples() -> Vec<(&'static str, Self)> {
        let of = |session| Self { frame: Frame::of_support("sessions"), session };
        let read = Self { frame: Frame::of_auditor("sessions"), ..of(samples::session()) };
        vec![
            ("live", of(samples::session())),
            ("ended", of(samples::ended_session())),
            ("expired", of(samples::expired_session())),
            ("read", read),
        ]
    }
}
