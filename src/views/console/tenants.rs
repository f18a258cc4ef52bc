//! The list of tenants.

use serde::Serialize;

use super::{Frame, Paging};
use crate::{
    admin::{TenantView, samples},
    views::{Page, Template, template},
};

/// The list of tenants.
#[derive(Debug, Clone, Serialize)]
pub struct Tenants {
    /// Around it.
    pub frame: Frame,
    /// The tenants.
    pub tenants: Vec<TenantView>,
    /// Where to go on.
    pub paging: Paging,
}

impl Page for Tenants {
    const TEMPLATE: Template = template!("console/tenants.html");

    fn samples() -> Vec<(&'static str, Self)> {
        let first = Self {
            frame: Frame::of_installation("tenants"),
            tenants: vec![samples::tenant(), samples::suspended_tenant()],
            paging: Paging::on("/admin/tenants?after=initech"),
        };
        let frame = Frame { can_write: false, ..Frame::of_installation("tenants") };
        let last = Self { frame, tenants: vec![samples::tenant()], paging: Paging::END };
        vec![("first", first), ("last", last)]
    }
}
