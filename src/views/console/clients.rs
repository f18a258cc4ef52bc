//! The list of clients.

use serde::Serialize;

use super::{Frame, Paging};
use crate::{
    admin::{ClientView, samples},
    views::{Page, Template, template},
};

/// The list of clients.
#[derive(Debug, Clone, Serialize)]
pub struct Clients {
    /// Around it.
    pub frame: Frame,
    /// The clients.
    pub clients: Vec<ClientView>,
    /// Where to go on.
    pub paging: Paging,
}

impl Page for Clients {
    const TEMPLATE: Template = template!("console/clients.html");

    fn samples() -> Vec<(&'static str, Self)> {
        let two = Self {
            frame: Frame::of_operator("clients"),
            clients: vec![samples::client(), samples::machine_client()],
            paging: Paging::on("/admin/tenants/acme/clients?after=robot"),
        };
        let none =
            Self { frame: Frame::of_auditor("clients"), clients: Vec::new(), paging: Paging::END };
        vec![("two", two), ("none", none)]
    }
}
