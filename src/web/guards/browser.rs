//! A browser, told by a random cookie, and the form tokens that are bound to it.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rocket::{
    Request,
    request::{FromRequest, Outcome},
};

use crate::{
    keys::{Purpose, same_secret},
    protocol::Params,
    web::{Site, cookies},
};

/// A browser that is shown, or sends, a form.
pub(crate) struct Browser {
    name: String,
    token: String,
    had_cookie: bool,
    cross_site: bool,
}

impl Browser {
    /// What tells it from others; it is the cookie's value, and stays between the two.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The token to put into its forms.
    pub(crate) fn csrf_token(&self) -> String {
        self.token.clone()
    }

    /// Whether `form` was shown to this very browser by this very site.
    pub(crate) fn sent(&self, form: &Params) -> bool {
        let presented = form.find("csrf_token").unwrap_or_default();
        self.had_cookie
            && !self.cross_site
            && same_secret(presented.as_bytes(), self.token.as_bytes())
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Browser {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        let Some(site) = request.rocket().state::<Arc<Site>>() else {
            return Outcome::Forward(rocket::http::Status::ServiceUnavailable);
        };
        let held = request
            .cookies()
            .get(cookies::browser_name(&site.app.config))
            .map(|cookie| cookie.value().to_owned());
        let held = held.filter(|value| value.len() == 43);
        let had_cookie = held.is_some();
        let value = held.unwrap_or_else(|| {
            let value = site.app.effects.secret();
            request.cookies().add(cookies::browser(&site.app.config, value.clone()));
            value
        });
        let token =
            URL_SAFE_NO_PAD.encode(site.app.keys.mac(Purpose::Csrf, None).tag(value.as_bytes()));
        let cross_site = request.headers().get_one("Sec-Fetch-Site") == Some("cross-site");
        Outcome::Success(Self { name: value, token, had_cookie, cross_site })
    }
}
