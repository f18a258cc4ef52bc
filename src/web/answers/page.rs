//! Answers that are pages.

use rocket::{
    Request, Response,
    http::{ContentType, Header, Status},
    response::{self, Responder},
};

use super::SeeOther;
use crate::{
    protocol::OauthError,
    views::{Page, Renderer, pages::Message},
    web::{Site, traced::Traced},
};

/// What a page shows.
#[derive(Debug)]
enum Body {
    /// This.
    Whole(String),
    /// One thing. Rendered when it is sent: where something is wrong, it names the request.
    Message(Box<Message>, Renderer),
}

/// A page, with the policy that it needs.
#[derive(Debug)]
pub(crate) struct Html {
    status: Status,
    body: Body,
    /// Whether a form on it leads on to a client. Browsers hold every redirect after a form against
    /// `form-action`, and where a client's own redirects lead it alone knows.
    leads_on: bool,
    script: bool,
    retry_after: Option<u64>,
}

impl Html {
    /// A page that shows `view`.
    pub(crate) fn of(site: &Site, view: &impl Page) -> Self {
        let (status, body) = rendered(&site.views, view);
        Self::with_body(status, Body::Whole(body))
    }

    fn with_body(status: Status, body: Body) -> Self {
        Self { status, body, leads_on: false, script: false, retry_after: None }
    }

    /// A page that says one thing.
    pub(crate) fn message(site: &Site, status: Status, title: &str, text: &str) -> Self {
        let view = Message { title: title.into(), text: text.into(), code: None, request_id: None };
        Self::with_body(status, Body::Message(Box::new(view), site.views.clone()))
    }

    /// A page for an error that no client may be told of.
    pub(crate) fn error(site: &Site, error: &OauthError) -> Self {
        let view = Message {
            title: "This request cannot be answered".into(),
            text: error.description.to_string(),
            code: Some(error.code.as_str().into()),
            request_id: None,
        };
        let page =
            Self::with_body(error.status(), Body::Message(Box::new(view), site.views.clone()));
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

fn rendered(views: &Renderer, view: &impl Page) -> (Status, String) {
    match views.render(view) {
        Ok(body) => (Status::Ok, body),
        Err(why) => {
            tracing::error!(error = %why, "a page could not be rendered");
            (Status::InternalServerError, "This page could not be shown.".to_owned())
        }
    }
}

impl<'r> Responder<'r, 'static> for Html {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let (status, body) = match self.body {
            Body::Whole(body) => (self.status, body),
            Body::Message(mut view, views) => {
                let is_error = self.status.code >= 400;
                view.request_id = is_error.then(|| Traced::of(request).id().to_string());
                match rendered(&views, &*view) {
                    (Status::Ok, body) => (self.status, body),
                    failed => failed,
                }
            }
        };
        let script = if self.script { "script-src 'self'; " } else { "" };
        let form_action = if self.leads_on { "" } else { "form-action 'self'; " };
        let policy = format!(
            "default-src 'none'; style-src 'self'; img-src 'self'; {script}{form_action}\
             frame-ancestors 'none'; base-uri 'none'"
        );
        let mut response = Response::build()
            .status(status)
            .header(ContentType::HTML)
            .header(Header::new("Content-Security-Policy", policy))
            .header(Header::new("Cache-Control", "no-store"))
            .sized_body(body.len(), std::io::Cursor::new(body))
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
    pub(crate) fn or_page<T, E: Into<OauthError>>(
        &self,
        result: Result<T, E>,
    ) -> Result<T, Answer> {
        result.map_err(|error| Answer::Page(Html::error(self, &error.into())))
    }
}

/// The answer to a form that this browser was not shown.
pub(crate) fn forged(site: &Site) -> Answer {
    let text =
        "The form was too old or came from another site. Go back, load the page again and retry.";
    Answer::Page(Html::message(site, Status::Forbidden, "This form cannot be accepted", text))
}
