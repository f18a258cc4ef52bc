//! What the authorization endpoint and the pages on its way answer a client (RFC 6749 §4.1.2).

use super::{Answer, Html};
use crate::{
    oauth::authorize::{AuthorizeError, Response},
    protocol::{OauthError, ResponseMode},
    views::{Hidden, pages::FormPost},
    web::Site,
};

/// Sends a response to the client.
pub(crate) fn respond(site: &Site, response: Response) -> Answer {
    match response.mode {
        ResponseMode::FormPost => {
            let field = |(name, value): (&str, String)| Hidden { name: name.to_owned(), value };
            let fields = response.params.into_iter().map(field).collect();
            let view = FormPost { action: response.redirect_uri, fields };
            Answer::Page(Html::of(site, &view).leading_on().with_script())
        }
        ResponseMode::Query => match url::Url::parse(&response.redirect_uri) {
            Ok(mut uri) => {
                uri.query_pairs_mut().extend_pairs(response.params);
                Answer::to(uri)
            }
            Err(_) => Answer::Page(Html::error(
                site,
                &OauthError::invalid_request("redirect_uri is no URI"),
            )),
        },
    }
}

/// Shows a refusal to whom it may be shown.
pub(crate) fn refuse(site: &Site, error: AuthorizeError) -> Answer {
    match error {
        AuthorizeError::Page(error) => Answer::Page(Html::error(site, &error)),
        AuthorizeError::Redirect(response) => respond(site, response),
    }
}
