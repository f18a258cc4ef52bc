//! The list of users.

use serde::Serialize;

use super::{Frame, Paging};
use crate::{
    admin::{UserView, samples},
    views::{Page, Template, template},
};

/// The list of users.
#[derive(Debug, Clone, Serialize)]
pub struct Users {
    /// Around it.
    pub frame: Frame,
    /// The users.
    pub users: Vec<UserView>,
    /// What was searched for.
    pub q: String,
    /// Where to go on.
    pub paging: Paging,
}

impl Page for Users {
    const TEMPLATE: Template = template!("console/users.html");

    fn samples() -> Vec<(&'static str, Self)> {
        let three = Self {
            frame: Frame::of_operator("users"),
            users: vec![samples::user(), samples::disabled_user(), samples::nameless_user()],
            q: String::new(),
            paging: Paging::on("/admin/tenants/acme/users?after=carol"),
        };
        let none = Self {
            frame: Frame::of_auditor("users"),
            users: Vec::new(),
            q: "zoe".into(),
            paging: Paging::END,
        };
        vec![("three", three), ("none", none)]
    }
}
