//! The pages of end users.

use serde::Serialize;

use super::Page;

/// A page that says one thing: an error, or that something is done.
#[derive(Debug, Clone, Serialize)]
pub struct Message {
    /// Its heading.
    pub title: String,
    /// What it says.
    pub text: String,
    /// A word for support, where there is one: an error code.
    pub code: Option<String>,
}

impl Page for Message {
    const TEMPLATE: &'static str = "message.html";
}

/// The login page.
#[derive(Debug, Clone, Serialize)]
pub struct Login {
    /// The tenant's name.
    pub tenant: String,
    /// The client that sent the user here.
    pub client: Option<String>,
    /// Where the form goes.
    pub action: String,
    /// The form's token.
    pub csrf_token: String,
    /// The authorization request to come back to.
    pub request: Option<String>,
    /// What to put into the name field.
    pub username: String,
    /// What was wrong.
    pub error: Option<String>,
}

impl Page for Login {
    const TEMPLATE: &'static str = "account/login.html";
}

/// A scope in words.
#[derive(Debug, Clone, Serialize)]
pub struct ScopeLine {
    /// The scope token.
    pub name: String,
    /// What it allows.
    pub description: String,
}

/// The consent page.
#[derive(Debug, Clone, Serialize)]
pub struct Consent {
    /// The tenant's name.
    pub tenant: String,
    /// The client's name.
    pub client: String,
    /// Where the answer goes, so that the user sees it.
    pub redirect_host: String,
    /// The user's name.
    pub user: String,
    /// What is asked for.
    pub scopes: Vec<ScopeLine>,
    /// Where the form goes.
    pub action: String,
    /// The form's token.
    pub csrf_token: String,
    /// The authorization request.
    pub request: String,
}

impl Page for Consent {
    const TEMPLATE: &'static str = "account/consent.html";
}

/// One hidden field.
#[derive(Debug, Clone, Serialize)]
pub struct Hidden {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// The page that posts an authorization response (OAuth 2.0 Form Post Response Mode).
#[derive(Debug, Clone, Serialize)]
pub struct FormPost {
    /// The client's redirect URI.
    pub action: String,
    /// The response.
    pub fields: Vec<Hidden>,
}

impl Page for FormPost {
    const TEMPLATE: &'static str = "account/form_post.html";
}

/// The page that asks whether to sign out.
#[derive(Debug, Clone, Serialize)]
pub struct Logout {
    /// The tenant's name.
    pub tenant: String,
    /// The user's name.
    pub user: String,
    /// Where the form goes.
    pub action: String,
    /// The form's token.
    pub csrf_token: String,
    /// The logout request.
    pub fields: Vec<Hidden>,
}

impl Page for Logout {
    const TEMPLATE: &'static str = "account/logout.html";
}

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
    const TEMPLATE: &'static str = "account/show.html";
}
