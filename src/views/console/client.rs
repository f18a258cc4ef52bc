//! The form for a client, new or not.

use serde::Serialize;

use super::{
    Connect, Difference, Frame,
    registration::{self, ShownField},
};
use crate::{
    admin::{ClientView, samples},
    domain::ApplicationType,
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
    /// What a new one may be, to begin with.
    pub kinds: Vec<KindLink>,
    /// What its developers need, unless it is new.
    pub connect: Option<Connect>,
    /// The version that the form was filled from.
    pub version: i64,
    /// What another has changed since.
    pub differences: Vec<Difference>,
    /// What was done.
    pub notice: Option<String>,
}

/// A kind of application, whose defaults the form may begin with.
#[derive(Debug, Clone, Serialize)]
pub struct KindLink {
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    chosen: bool,
}

impl KindLink {
    /// Every kind, `chosen` being the one that the form begins with.
    pub fn all(chosen: Option<ApplicationType>) -> Vec<Self> {
        let one = |kind: &ApplicationType| {
            let (label, hint) = kind.in_words();
            Self { name: kind.as_str(), label, hint, chosen: Some(*kind) == chosen }
        };
        ApplicationType::ALL.iter().map(one).collect()
    }
}

impl ClientForm {
    /// The form of a client that is registered.
    fn sample(client: ClientView) -> Self {
        Self {
            frame: Frame::of_operator("clients"),
            client_id: client.client_id.clone(),
            fields: registration::shown(&client.metadata),
            error: None,
            kinds: Vec::new(),
            connect: Some(Connect::of(
                &client,
                "https://id.example/t/acme",
                vec![samples::refused_client()],
            )),
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
            connect: None,
            client_id: "web".into(),
            error: Some("redirect_uris: authorization_code needs at least one".into()),
            kinds: KindLink::all(Some(ApplicationType::SinglePage)),
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
