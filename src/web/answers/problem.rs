//! The admin API's errors, problems of RFC 9457.

use rocket::{
    Request,
    http::{ContentType, Header, Status},
    response::{self, Responder},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::json::json;
use crate::{
    admin::AdminError,
    protocol::{ErrorCode, OauthError},
    web::traced::Traced,
};

/// A problem (RFC 9457).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Always `about:blank`: the status says what kind it is.
    r#type: &'static str,
    /// The status in words.
    title: &'static str,
    /// The status.
    status: u16,
    /// What happened, and what would be right.
    detail: String,
    /// The field at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// Which request it was: for whoever asks the operator about it (RFC 9457 §3.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<Box<str>>,
    #[serde(skip)]
    challenge: Option<&'static str>,
}

impl Problem {
    pub(crate) fn plain(status: Status, detail: impl Into<String>) -> Self {
        Self {
            r#type: "about:blank",
            title: status.reason_lossy(),
            status: status.code,
            detail: detail.into(),
            field: None,
            request_id: None,
            challenge: None,
        }
    }

    pub(crate) fn unauthorized() -> Self {
        let text = "a bearer access token of this server is needed, with scope admin or admin:read";
        Self {
            challenge: Some("Bearer error=\"invalid_token\""),
            ..Self::plain(Status::Unauthorized, text)
        }
    }
}

impl Problem {
    /// Its status.
    pub(crate) fn status(&self) -> Status {
        Status::new(self.status)
    }
}

impl From<AdminError> for Problem {
    fn from(error: AdminError) -> Self {
        let detail = error.to_string();
        match error {
            AdminError::NotFound => Self::plain(Status::NotFound, "there is nothing of that name"),
            AdminError::Forbidden(_) => Self::plain(Status::Forbidden, detail),
            AdminError::Invalid(field) => {
                Self { field: Some(field.field), ..Self::plain(Status::BadRequest, field.message) }
            }
            AdminError::Stale => Self::plain(Status::PreconditionFailed, detail),
            AdminError::Conflict(why) => Self::plain(Status::Conflict, why),
            AdminError::Broken(why) => {
                tracing::error!(error = why, "the admin API met what cannot be worked with");
                Self::plain(
                    Status::InternalServerError,
                    "the server cannot do this; its operator has been told",
                )
            }
            AdminError::Unavailable(why) => {
                tracing::warn!(
                    error = why,
                    "the admin API was kept from its work by a part that does not answer"
                );
                Self::plain(
                    Status::ServiceUnavailable,
                    "a part of the server does not answer; nothing was changed",
                )
            }
        }
    }
}

/// A body that could not be read.
impl From<OauthError> for Problem {
    fn from(error: OauthError) -> Self {
        match error.code {
            ErrorCode::InvalidToken => Self::unauthorized(),
            _ => Self {
                field: Some("body".into()),
                ..Self::plain(error.status(), error.description.to_string())
            },
        }
    }
}

impl<'r> Responder<'r, 'static> for Problem {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let named = Self { request_id: Some(Traced::of(request).id().to_string().into()), ..self };
        let mut response = json(named.status(), &named)?;
        response.set_header(ContentType::new("application", "problem+json"));
        if named.status() == Status::ServiceUnavailable {
            response.set_header(Header::new("Retry-After", "1"));
        }
        if let Some(challenge) = named.challenge {
            response.set_header(Header::new("WWW-Authenticate", challenge));
        }
        Ok(response)
    }
}
