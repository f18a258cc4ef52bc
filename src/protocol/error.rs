//! The errors that OAuth endpoints answer with (RFC 6749 §4.1.2.1 and §5.2).

use std::borrow::Cow;

use serde::Serialize;

use super::ErrorDescription;

/// A registered error code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// RFC 6749 §5.2.
    InvalidRequest,
    /// RFC 6749 §5.2.
    InvalidClient,
    /// RFC 6749 §5.2.
    InvalidGrant,
    /// RFC 6749 §5.2.
    UnauthorizedClient,
    /// RFC 6749 §5.2.
    UnsupportedGrantType,
    /// RFC 6749 §5.2.
    InvalidScope,
    /// RFC 8707 §2.
    InvalidTarget,
    /// RFC 6749 §4.1.2.1.
    AccessDenied,
    /// RFC 6749 §4.1.2.1.
    UnsupportedResponseType,
    /// RFC 6749 §4.1.2.1.
    ServerError,
    /// RFC 6749 §4.1.2.1.
    TemporarilyUnavailable,
    /// OpenID Connect Core §3.1.2.6.
    LoginRequired,
    /// OpenID Connect Core §3.1.2.6.
    ConsentRequired,
    /// OpenID Connect Core §3.1.2.6.
    RequestNotSupported,
    /// OpenID Connect Core §3.1.2.6.
    RequestUriNotSupported,
    /// RFC 6750 §3.1.
    InvalidToken,
    /// RFC 6750 §3.1.
    InsufficientScope,
    /// No such tenant.
    NotFound,
}

impl ErrorCode {
    /// The code as it stands in a response.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::NotFound => "not_found",
        }
    }
}

/// A refusal as an OAuth client reads it.
///
/// `reason` is for the audit trail alone and never leaves the server: it may tell apart
/// what the response must not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {description}", code.as_str())]
pub struct OauthError {
    /// The registered code.
    pub code: ErrorCode,
    /// A sentence for the developer of the client.
    pub description: ErrorDescription,
    /// What really happened, for the audit trail.
    pub reason: Option<Cow<'static, str>>,
    /// Seconds after which a retry makes sense.
    pub retry_after: Option<u64>,
    /// Whether the body was larger than may be.
    pub too_large: bool,
}

impl OauthError {
    /// A refusal with `code` that says `description`.
    pub fn new(code: ErrorCode, description: impl Into<Cow<'static, str>>) -> Self {
        let description = ErrorDescription::new(description);
        Self { code, description, reason: None, retry_after: None, too_large: false }
    }

    /// The request is malformed.
    pub fn invalid_request(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::InvalidRequest, description)
    }

    /// The body is larger than `most` bytes.
    pub fn too_large(most: u64) -> Self {
        let error = Self::invalid_request(format!("the body is larger than {most} bytes"));
        Self { too_large: true, ..error }
    }

    /// The client did not show who it is. One text for every cause.
    pub fn invalid_client() -> Self {
        Self::new(ErrorCode::InvalidClient, "client authentication failed")
    }

    /// The grant is no good. One text for every cause.
    pub fn invalid_grant() -> Self {
        let text = "the grant is invalid, expired, revoked or was issued to another client";
        Self::new(ErrorCode::InvalidGrant, text)
    }

    /// The access token is no good. One text for every cause.
    pub fn invalid_token() -> Self {
        Self::new(ErrorCode::InvalidToken, "the access token is invalid, expired or revoked")
    }

    /// A dependency is away; nothing was decided.
    pub fn unavailable() -> Self {
        let mut error = Self::new(ErrorCode::TemporarilyUnavailable, "try again in a moment");
        error.retry_after = Some(1);
        error
    }

    /// Something is broken that a retry does not mend (RFC 6749 §4.1.2.1).
    pub fn server_error() -> Self {
        Self::new(
            ErrorCode::ServerError,
            "the server cannot answer this; its operator has been told",
        )
    }

    /// The same refusal, with what really happened for the audit trail.
    #[must_use]
    pub fn because(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.reason = Some(reason.into());
        self
    }
}
