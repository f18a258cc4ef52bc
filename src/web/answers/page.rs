//! Answers that are pages.

use rocket::{
    Request, Response,
    http::{ContentType, Header, Status},
    response::{self, Responder},
};

use super::SeeOther;
use crate::{
    protocol::OauthError,
    views::{Page, pages::Message},
    web::Site,
};

/// A page, with the policy that it needs.
#[derive(Debug)]
pub(crate) struct Html {
    status: Status,
    body: String,
    /// Whether a form on it leads on to a client. Browsers hold every redirect after a form against
    /// `form-action`, and where a client's own redirects lead it alone knows.
    leads_on: bool,
    script: bool,
    retry_after: Option<u64>,
}

impl Html {
    /// A page that shows `view`.
    pub(crate) fn of(site: &Site, view: &impl Page) -> Self {
        let (status, body) = match site.views.render(view) {
            Ok(body) => (Status::Ok, body),
            Err(why) => {
                tracing::error!(error = %why, "a page could not be rendered");
                (Status::InternalServerError, "This page could not be shown.".to_owned())
            }
        };
        Self { status, body, leads_on: false, script: false, retry_after: None }
    }

    /// A page that says one thing.
    pub(crate) fn message(site: &Site, status: Status, title: &str, text: &str) -> Self {
        let view = Message { title: title.into(), text: text.into(), code: None };
        Self::of(site, &view).with_status(status)
    }

    /// A page for an error that no client may be told of.
    pub(crate) fn error(site: &Site, error: &OauthError) -> Self {
        let view = Message {
            title: "This request cannot be answered".into(),
            text: error.description.to_string(),
            code: Some(error.code.as_str().into()),
        };
        let page = Self::of(site, &view).with_status(error.status());
        Self { retry_after: error.retry_after, ..page }
    }

    pub(crate) fn with_status(mut self, status: Status) -> Self {
        if self.status == Status::Ok {
            self.status = status;
        }
        self
    }

    pub(crate) fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// Lets a form lead on to a client's address, which has been trusted, and wherever that leads.
    pub(crate) fn leading_on(self) -> Self {
        Self { leads_on: true, ..self }
    }

    /// Lets our own scripts run.
    pub(crate) fn with_script(self) -> Self {
        Self { script: true, ..self }
    }
}

impl<'r> Responder<'r, 'static> for Html {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        let script = if self.script { "script-src 'self'; " } else { "" };
        let form_action = if self.leads_on { "" } else { "form-action 'self'; " };
        let policy = format!(
            "default-src 'none'; style-src 'self'; img-src 'self'; {script}{form_action}\
             frame-ancestors 'none'; base-uri 'none'"
        );
        let mut response = Response::build()
            .status(self.status)
            .header(ContentType::HTML)
            .header(Header::new("Content-Security-Policy", policy))
            .header(Header::new("Cache-Control", "no-store"))
            .sized_body(self.body.len(), std::io::Cursor::new(self.body))
            .finalize();
        if let Some(seconds) = self.retry_after {
            response.set_header(Header::new("Retry-After", seconds.to_string()));
        }
        Ok(response)
    }
}

/// A page, or on to another.
#[derive(Debug, Responder)]
pub(crate) enum Answer {
    /// A page.
    Page(Html),
    /// On to another.
    Go(SeeOther),
}

impl Answer {
    /// On to `location`.
    pub(crate) fn to(location: impl Into<String>) -> Self {
        Self::Go(SeeOther(location.into()))
    }
}

/// A page, or what is answered in its place.
pub(crate) type Shown = Result<Answer, Answer>;

impl Site {
    /// What `result` holds, or a page that says why there is none.
    pub(crate) fn or_page<T, E: Into<OauthError>>(&self, result: Result<T, E>) -> Result<T, Answer> {
        result.map_err(|error| Answer::Page(Html::error(self, &error.into())))
    }
}

/// The answer to a form that this browser was not shown.
pub(crate) fn forged(site: &Site) -> Answer {
    let text = "The form was too old or came from another site. Go back, load the page again and retry.";
    Answer::Page(Html::message(site, Status::Forbidden, "This form cannot be accepted", text))
}
