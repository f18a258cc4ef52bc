//! The form for a client, new or not.

use serde::Serialize;

use super::{
    Difference, Frame,
    registration::{self, ShownField},
};
use crate::{
    admin::{ClientView, samples},
    views::{Page, Template, template},
};

/// The form for a client, new or not.
#[derive(Debug, Clone, Serialize)]
pub struct ClientForm {
    /// Around it.
    pub frame: Frame,
    /// The client, unless it is new.
    pub client: Option<ClientView>,
    /// What stands in the field for its identifier, while it is new.
    pub client_id: String,
    /// What it says of itself.
    pub fields: Vec<ShownField>,
    /// What was wrong.
    pub error: Option<String>,
    /// The version that the form was filled from.
    pub version: i64,
    /// What another has changed since.
    pub differences: Vec<Difference>,
    /// What was done.
    pub notice: Option<String>,
}

impl ClientForm {
    /// The form of a client that is registered.
    fn sample(client: ClientView) -> Self {
        Self {
            frame: Frame::of_operator("clients"),
            client_id: client.client_id.clone(),
            fields: registration::shown(&client.metadata),
            error: None,
            version: client.version,
            differences: Vec::new(),
            notice: None,
            client: Some(client),
        }
    }
}

impl Page for ClientForm {
    const TEMPLATE: Template = template!("console/client.html");

    fn samples() -> Vec<(&'static str, Self)> {
        let web = Self {
            notice: Some("The registration was changed.".into()),
            ..Self::sample(samples::client())
        };
        let machine = Self::sample(samples::machine_client());
        let new = Self {
            client: None,
            client_id: "web".into(),
            error: Some("redirect_uris: authorization_code needs at least one".into()),
            version: 1,
            notice: None,
            ..web.clone()
        };
        let stale = Self {
            error: Some("somebody else has changed it since".into()),
            differences: vec![Difference::sample("scope", "reports.read", "openid")],
            ..machine.clone()
        };
        let read = Self { frame: Frame::of_auditor("clients"), notice: None, ..web.clone() };
        vec![("web", web), ("machine", machine), ("new", new), ("stale", stale), ("read", read)]
    }
}
