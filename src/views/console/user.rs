//! The form for a user, new or not.

use serde::Serialize;

use super::{Choice, Difference, Frame};
use crate::{
    admin::{UserView, samples},
    views::{Page, Template, template},
};

/// The form for a user, new or not.
#[derive(Debug, Clone, Serialize)]
pub struct UserForm {
    /// Around it.
    pub frame: Frame,
    /// The user, unless it is new.
    pub user: Option<UserView>,
    /// What stands in the fields.
    pub username: String,
    /// Its address.
    pub email: String,
    /// Whether that is verified.
    pub email_verified: bool,
    /// Its name.
    pub name: String,
    /// Whether it may sign in.
    pub active: bool,
    /// The roles.
    pub roles: Vec<Choice>,
    /// What was wrong.
    pub error: Option<String>,
    /// The version that the form was filled from.
    pub version: i64,
    /// What another has changed since.
    pub differences: Vec<Difference>,
    /// What was done.
    pub notice: Option<String>,
}

impl UserForm {
    /// The form of a user who is known.
    fn sample(user: UserView) -> Self {
        let roles = ["operator", "tenant_admin", "tenant_auditor", "support"];
        Self {
            frame: Frame::of_operator("users"),
            username: user.username.clone(),
            email: user.email.clone().unwrap_or_default(),
            email_verified: user.email_verified,
            name: user.name.clone().unwrap_or_default(),
            active: user.status == "active",
            roles: Choice::samples(&roles, &user.roles),
            error: None,
            version: user.version,
            differences: Vec::new(),
            notice: None,
            user: Some(user),
        }
    }
}

impl Page for UserForm {
    const TEMPLATE: Template = template!("console/user.html");

    fn samples() -> Vec<(&'static str, Self)> {
        let known =
            Self { notice: Some("The user was changed.".into()), ..Self::sample(samples::user()) };
        let disabled = Self::sample(samples::disabled_user());
        let new = Self {
            user: None,
            error: Some("password: 8 characters at least".into()),
            version: 1,
            notice: None,
            ..known.clone()
        };
        let stale = Self {
            error: Some("somebody else has changed it since".into()),
            differences: vec![Difference::sample(
                "email",
                "bob@acme.example",
                "bob@initech.example",
            )],
            ..disabled.clone()
        };
        let read = Self { frame: Frame::of_auditor("users"), ..disabled.clone() };
        let helped = Self { frame: Frame::of_support("users"), ..disabled.clone() };
        vec![
            ("known", known),
            ("disabled", disabled),
            ("new", new),
            ("stale", stale),
            ("read", read),
            ("helped", helped),
        ]
    }
}
