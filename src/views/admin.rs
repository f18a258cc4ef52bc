//! The pages of the console.

use serde::Serialize;

use super::Page;
use crate::admin::{AuditView, ClientView, Ending, KeyView, SessionView, TenantView, UserView};

/// What every page of the console shows around its own matter.
#[derive(Debug, Clone, Serialize)]
pub struct Frame {
    /// Who is signed in.
    pub user: String,
    /// Whether they operate the installation.
    pub operator: bool,
    /// Whether they may change things.
    pub can_write: bool,
    /// Whether they may end sessions.
    pub can_end: bool,
    /// Whether everything of a client or of the tenant.
    pub can_end_at_large: bool,
    /// Whether a user can be given a new password.
    pub can_reset: bool,
    /// The form's token.
    pub csrf_token: String,
    /// The tenant that is looked at, and its name.
    pub slug: Option<String>,
    /// Its name.
    pub tenant: Option<String>,
    /// Which part of the console this is.
    pub section: &'static str,
}

/// The console's login page.
#[derive(Debug, Clone, Serialize)]
pub struct Login {
    /// The form's token.
    pub csrf_token: String,
    /// What to put into the tenant field.
    pub tenant: String,
    /// What to put into the name field.
    pub username: String,
    /// What was wrong.
    pub error: Option<String>,
}

impl Page for Login {
    const TEMPLATE: &'static str = "admin/login.html";
}

/// Where the next page of a list begins, as a query.
#[derive(Debug, Clone, Serialize)]
pub struct Paging {
    /// The address of the next page.
    pub next: Option<String>,
}

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
    const TEMPLATE: &'static str = "admin/tenants/index.html";
}

/// The form for a new tenant.
#[derive(Debug, Clone, Serialize)]
pub struct NewTenant {
    /// Around it.
    pub frame: Frame,
    /// What was typed.
    pub slug: String,
    /// What was typed.
    pub name: String,
    /// What was wrong.
    pub error: Option<String>,
}

impl Page for NewTenant {
    const TEMPLATE: &'static str = "admin/tenants/new.html";
}

/// A field that somebody else has changed since the form was shown.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    /// The field.
    pub name: String,
    /// What it holds now.
    pub now: String,
    /// What was typed.
    pub typed: String,
}

/// A tenant: its figures and its settings.
#[derive(Debug, Clone, Serialize)]
pub struct TenantPage {
    /// Around it.
    pub frame: Frame,
    /// The tenant.
    pub tenant: TenantView,
    /// Live sessions, as a figure.
    pub sessions: String,
    /// Live token families, as a figure.
    pub families: String,
    /// What was wrong.
    pub error: Option<String>,
    /// The version that the form was filled from.
    pub version: i64,
    /// What another has changed since.
    pub differences: Vec<Difference>,
    /// What was done.
    pub notice: Option<String>,
}

impl Page for TenantPage {
    const TEMPLATE: &'static str = "admin/tenants/show.html";
}

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
    const TEMPLATE: &'static str = "admin/clients/index.html";
}

/// A box that may be ticked.
#[derive(Debug, Clone, Serialize)]
pub struct Choice {
    /// Its value.
    pub value: String,
    /// Whether it is ticked.
    pub chosen: bool,
}

/// The form for a client, new or not.
#[derive(Debug, Clone, Serialize)]
pub struct ClientForm {
    /// Around it.
    pub frame: Frame,
    /// The client, unless it is new.
    pub client: Option<ClientView>,
    /// What stands in the fields.
    pub client_id: String,
    /// Its name.
    pub client_name: String,
    /// One a line.
    pub redirect_uris: String,
    /// One a line.
    pub post_logout_redirect_uris: String,
    /// Its scope.
    pub scope: String,
    /// Its keys, JSON.
    pub jwks: String,
    /// Whether consent is skipped.
    pub skip_consent: bool,
    /// The methods of authentication.
    pub methods: Vec<Choice>,
    /// The grant types.
    pub grants: Vec<Choice>,
    /// What was wrong.
    pub error: Option<String>,
    /// The version that the form was filled from.
    pub version: i64,
    /// What another has changed since.
    pub differences: Vec<Difference>,
    /// What was done.
    pub notice: Option<String>,
}

impl Page for ClientForm {
    const TEMPLATE: &'static str = "admin/clients/edit.html";
}

/// A secret, shown once.
#[derive(Debug, Clone, Serialize)]
pub struct ClientSecretPage {
    /// Around it.
    pub frame: Frame,
    /// Whose it is.
    pub client_id: String,
    /// The secret.
    pub client_secret: String,
    /// When the others stop counting.
    pub others_expire_at: Option<String>,
}

impl Page for ClientSecretPage {
    const TEMPLATE: &'static str = "admin/clients/secret.html";
}

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
    const TEMPLATE: &'static str = "admin/users/index.html";
}

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

impl Page for UserForm {
    const TEMPLATE: &'static str = "admin/users/edit.html";
}

/// The list of sessions.
#[derive(Debug, Clone, Serialize)]
pub struct Sessions {
    /// Around it.
    pub frame: Frame,
    /// The sessions.
    pub sessions: Vec<SessionView>,
    /// The filter: a user's id.
    pub user: String,
    /// The filter: a client_id.
    pub client: String,
    /// The filter: an address.
    pub ip: String,
    /// The filter: `true`, `false` or nothing.
    pub active: String,
    /// What was wrong with the filter.
    pub error: Option<String>,
    /// Where to go on.
    pub paging: Paging,
}

impl Page for Sessions {
    const TEMPLATE: &'static str = "admin/sessions/index.html";
}

/// One session.
#[derive(Debug, Clone, Serialize)]
pub struct SessionPage {
    /// Around it.
    pub frame: Frame,
    /// The session.
    pub session: SessionView,
}

impl Page for SessionPage {
    const TEMPLATE: &'static str = "admin/sessions/show.html";
}

/// The page that asks before a forced logout, with what it would end.
#[derive(Debug, Clone, Serialize)]
pub struct ConfirmEnding {
    /// Around it.
    pub frame: Frame,
    /// Whose sessions, in words.
    pub whose: String,
    /// Where the form goes.
    pub action: String,
    /// Where "no" leads.
    pub back: String,
    /// What would end.
    pub ending: Ending,
}

impl Page for ConfirmEnding {
    const TEMPLATE: &'static str = "admin/sessions/confirm.html";
}

/// A node and whether it has applied an event.
#[derive(Debug, Clone, Serialize)]
pub struct NodeLine {
    /// The node.
    pub id: String,
    /// Whether it has.
    pub applied: bool,
    /// When it last said so.
    pub seen_at: String,
}

/// What a forced logout has ended, and where it is effective.
#[derive(Debug, Clone, Serialize)]
pub struct EndedPage {
    /// Around it.
    pub frame: Frame,
    /// The event.
    pub event: i64,
    /// What ended.
    pub sessions: String,
    /// What ended.
    pub families: String,
    /// Whether more ended than was counted.
    pub more: bool,
    /// Whether every node has applied it.
    pub everywhere: bool,
    /// The nodes.
    pub nodes: Vec<NodeLine>,
    /// Seconds after which no node trusts a view that lacks it.
    pub bound_s: u64,
    /// Whether lists show it everywhere by now; `None` where there is nothing to show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled: Option<bool>,
    /// Rows that lists have followed by.
    pub settled_rows: i64,
}

impl Page for EndedPage {
    const TEMPLATE: &'static str = "admin/sessions/ended.html";
}

/// A question before what cannot be undone.
#[derive(Debug, Clone, Serialize)]
pub struct Confirm {
    /// Around it.
    pub frame: Frame,
    /// The question.
    pub title: String,
    /// What follows.
    pub follows: Vec<String>,
    /// The words on the button.
    pub button: String,
    /// Where the form is sent.
    pub action: String,
    /// Where to go instead.
    pub back: String,
    /// What was wrong with the answer.
    pub error: Option<String>,
    /// What must be typed.
    pub typed: Option<String>,
    /// The fields of the form that led here.
    pub fields: Vec<super::account::Hidden>,
}

impl Page for Confirm {
    const TEMPLATE: &'static str = "admin/confirm.html";
}

/// The signing keys.
#[derive(Debug, Clone, Serialize)]
pub struct Keys {
    /// Around it.
    pub frame: Frame,
    /// The keys.
    pub keys: Vec<KeyView>,
    /// What was done.
    pub notice: Option<String>,
}

impl Page for Keys {
    const TEMPLATE: &'static str = "admin/keys/index.html";
}

/// The audit trail.
#[derive(Debug, Clone, Serialize)]
pub struct Audit {
    /// Around it.
    pub frame: Frame,
    /// The entries.
    pub events: Vec<AuditView>,
    /// The filter: an actor.
    pub actor: String,
    /// The filter: an action.
    pub action: String,
    /// Where to go on.
    pub paging: Paging,
}

impl Page for Audit {
    const TEMPLATE: &'static str = "admin/audit/index.html";
}

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
    const TEMPLATE: &'static str = "api/docs.html";
}
