//! Answers, and the one place that knows which HTTP status an OAuth error has.

use rocket::{
    Request, Response,
    http::{ContentType, Header, Status},
    response::{self, Responder},
};
use serde::Serialize;

use crate::protocol::{ErrorCode, OauthError};

/// A JSON body that must not be stored (RFC 6749 §5.1).
pub(crate) struct Json<T>(pub(crate) T);

impl<'r, T: Serialize> Responder<'r, 'static> for Json<T> {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        json(Status::Ok, &self.0)
    }
}

/// The same of something that people change, with its version as `ETag` (RFC 9110 §8.8.3).
pub(crate) struct Versioned<T> {
    pub(crate) body: T,
    pub(crate) version: i64,
    /// Where it is to be found, where it has just been made.
    pub(crate) made_at: Option<String>,
}

impl<T> Versioned<T> {
    pub(crate) fn of(body: T, version: i64) -> Self {
        Self { body, version, made_at: None }
    }

    pub(crate) fn made(at: String, body: T, version: i64) -> Self {
        Self { body, version, made_at: Some(at) }
    }
}

impl<'r, T: Serialize> Responder<'r, 'static> for Versioned<T> {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        let status = if self.made_at.is_some() { Status::Created } else { Status::Ok };
        let mut response = json(status, &self.body)?;
        response.set_header(Header::new("ETag", format!("\"{}\"", self.version)));
        if let Some(at) = self.made_at {
            response.set_header(Header::new("Location", at));
        }
        Ok(response)
    }
}

/// A JSON document that may be held for a while.
pub(crate) struct Document {
    pub(crate) json: String,
    pub(crate) max_age: i64,
}

impl<'r> Responder<'r, 'static> for Document {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        Response::build()
            .header(ContentType::JSON)
            .header(Header::new("Cache-Control", format!("public, max-age={}", self.max_age)))
            .sized_body(self.json.len(), std::io::Cursor::new(self.json))
            .ok()
    }
}

pub(crate) fn json(status: Status, body: &impl Serialize) -> response::Result<'static> {
    let body = serde_json::to_vec(body).map_err(|_| Status::InternalServerError)?;
    Response::build()
        .status(status)
        .header(ContentType::JSON)
        .header(Header::new("Cache-Control", "no-store"))
        .header(Header::new("Pragma", "no-cache"))
        .sized_body(body.len(), std::io::Cursor::new(body))
        .ok()
}

impl OauthError {
    pub(crate) fn status(&self) -> Status {
        if self.too_large {
            return Status::PayloadTooLarge;
        }
        match self.code {
            ErrorCode::InvalidClient | ErrorCode::InvalidToken => Status::Unauthorized,
            ErrorCode::InsufficientScope | ErrorCode::AccessDenied => Status::Forbidden,
            ErrorCode::NotFound => Status::NotFound,
            ErrorCode::TemporarilyUnavailable => Status::ServiceUnavailable,
            ErrorCode::ServerError => Status::InternalServerError,
            _ => Status::BadRequest,
        }
    }

    /// The challenge that goes with the status (RFC 6749 §5.2, RFC 6750 §3).
    fn challenge(&self) -> Option<String> {
        match self.code {
            ErrorCode::InvalidClient => {
                Some("Basic realm=\"portcullis\", charset=\"UTF-8\"".to_owned())
            }
            ErrorCode::InvalidToken | ErrorCode::InsufficientScope => Some(format!(
                "Bearer error=\"{}\", error_description=\"{}\"",
                self.code.as_str(),
                self.description
            )),
            _ => None,
        }
    }
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: &'a str,
    error_description: &'a str,
}

impl<'r> Responder<'r, 'static> for OauthError {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let status = self.status();
        WithStatus(status, self).respond_to(request)
    }
}

/// An OAuth error under another status than its own.
pub(crate) struct WithStatus(pub(crate) Status, pub(crate) OauthError);

impl<'r> Responder<'r, 'static> for WithStatus {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        let Self(status, error) = self;
        let body =
            ErrorBody { error: error.code.as_str(), error_description: error.description.as_str() };
        let mut response = json(status, &body)?;
        // RFC 9110 section 15.5.2: a 401 says how one may authenticate.
        let plain =
            (status == Status::Unauthorized).then(|| "Bearer realm=\"portcullis\"".to_owned());
        if let Some(challenge) = error.challenge().or(plain) {
            response.set_header(Header::new("WWW-Authenticate", challenge));
        }
        if let Some(seconds) = error.retry_after {
            response.set_header(Header::new("Retry-After", seconds.to_string()));
        }
        Ok(response)
    }
}

/// A redirect that turns whatever came into a GET: a login's POST never travels on (RFC 9700 §4.12).
#[derive(Debug)]
pub(crate) struct SeeOther(pub(crate) String);

impl<'r> Responder<'r, 'static> for SeeOther {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        Response::build()
            .status(Status::SeeOther)
            .header(Header::new("Location", self.0))
            .header(Header::new("Cache-Control", "no-store"))
            .ok()
    }
}
