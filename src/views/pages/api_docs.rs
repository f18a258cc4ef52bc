//! The page that shows the admin API.

use serde::Serialize;

use crate::views::{Page, Template, template};

/// One call of the admin API.
#[derive(Debug, Clone, Serialize)]
pub struct ApiCall {
    /// Its group.
    pub tag: String,
    /// Its method.
    pub method: String,
    /// Its path.
    pub path: String,
    /// What it does.
    pub summary: String,
    /// Its query parameters.
    pub query: Vec<String>,
}

/// The page that shows the admin API.
#[derive(Debug, Clone, Serialize)]
pub struct ApiDocs {
    /// Its calls.
    pub calls: Vec<ApiCall>,
}

impl Page for ApiDocs {
    const TEMPLATE: Template = template!("pages/api_docs.html");

    fn samples() -> Vec<(&'static str, Self)> {
        let list = ApiCall {
            tag: "tenants".into(),
            method: "GET".into(),
            path: "/api/v1/tenants".into(),
            summary: "Lists tenants.".into(),
            query: vec!["after".into(), "limit".into()],
        };
        let create = ApiCall {
            method: "POST".into(),
            summary: "Makes a tenant.".into(),
            query: Vec::new(),
            ..list.clone()
        };
        vec![("calls", Self { calls: vec![list, create] })]
    }
}
