//! The user's own page: their sessions.

use serde::Serialize;

use crate::{
    admin::samples,
    views::{Page, Template, template},
};

/// One of the user's own sessions.
#[derive(Debug, Clone, Serialize)]
pub struct OwnSession {
    /// Its identifier.
    pub id: String,
    /// The program it was made with.
    pub user_agent: String,
    /// The address it was made from.
    pub ip: String,
    /// When it was made.
    pub created_at: String,
    /// When it was last used.
    pub last_seen_at: String,
    /// The clients that have tokens in it.
    pub clients: Vec<String>,
    /// Whether it is the one that looks.
    pub current: bool,
}

/// The user's own page.
#[derive(Debug, Clone, Serialize)]
pub struct Account {
    /// The tenant's name.
    pub tenant: String,
    /// Its address.
    pub base: String,
    /// The user's name.
    pub user: String,
    /// Their e-mail address.
    pub email: Option<String>,
    /// Their live sessions.
    pub sessions: Vec<OwnSession>,
    /// The form's token.
    pub csrf_token: String,
}

impl Page for Account {
    const TEMPLATE: Template = template!("pages/account.html");

    fn samples() -> Vec<(&'static str, Self)> {
        let session = |id: &str, user_agent: &str, current| OwnSession {
            id: id.into(),
            user_agent: user_agent.into(),
            ip: "192.0.2.7".into(),
            created_at: samples::NOW.to_string(),
            last_seen_at: samples::NOW.plus(900).to_string(),
            clients: if current { vec!["web".into(), "app".into()] } else { Vec::new() },
            current,
        };
        let two = Self {
            tenant: "Acme".into(),
            base: "/t/acme".into(),
            user: "Ada Lovelace".into(),
            email: Some("ada@acme.example".into()),
            sessions: vec![session("one", "Mozilla/5.0", true), session("two", "", false)],
            csrf_token: "the-token-of-the-form".into(),
        };
        let nameless = Self {
            user: "bob".into(),
            email: None,
            sessions: vec![session("one", "curl/8.0", true)],
            ..two.clone()
        };
        vec![("two", two), ("nameless", nameless)]
    }
}
