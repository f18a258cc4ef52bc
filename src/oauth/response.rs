//! Authorization requests as they come, and what goes back for them (RFC 6749 §4.1.2).

use super::{Cx, interaction::Interaction};
use crate::protocol::{OauthError, ResponseMode};

/// Parameters going back to a client whose redirect URI is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Where to.
    pub redirect_uri: String,
    /// How.
    pub mode: ResponseMode,
    /// What.
    pub params: Vec<(&'static str, String)>,
}

/// Why an authorization request was refused. Sending the browser to a redirect URI that has
/// not been trusted cannot be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorizeError {
    /// The user is told, and nobody else (RFC 6749 §4.1.2.1).
    Page(OauthError),
    /// The client is told.
    Redirect(Response),
}

/// What a user's browser sends: a sign-in in progress, and what is wrong with the request as a whole.
pub struct Incoming<'a> {
    /// The sign-in; of the parameters that came twice, it has none.
    pub interaction: &'a Interaction,
    /// What is wrong with the request as a whole.
    pub fault: Option<OauthError>,
}

impl<'a> From<&'a Interaction> for Incoming<'a> {
    fn from(interaction: &'a Interaction) -> Self {
        Self { interaction, fault: None }
    }
}

/// What comes back from the database's troubles: a page, since nothing was decided.
pub(super) fn away(error: impl Into<OauthError>) -> AuthorizeError {
    AuthorizeError::Page(error.into())
}

pub(super) fn error_response(
    cx: &Cx<'_>,
    redirect_uri: &str,
    mode: ResponseMode,
    state: Option<&str>,
    error: &OauthError,
) -> Response {
    let mut params = vec![
        ("error", error.code.as_str().to_owned()),
        ("error_description", error.description.to_string()),
    ];
    params.extend(state.map(|state| ("state", state.to_owned())));
    params.push(("iss", cx.app.issuer(cx.tenant)));
    Response { redirect_uri: redirect_uri.to_owned(), mode, params }
}
