//! How a request is refused (RFC 6750 §3, RFC 9470 §3).

use http::StatusCode;

/// Why a request is refused, as its caller is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// There was no bearer token.
    #[error("a bearer token is needed")]
    NoToken,
    /// The request is malformed: two tokens, or an `Authorization` header twice.
    #[error("the request is malformed")]
    InvalidRequest,
    /// The token is no good. One text for every cause.
    #[error("the access token is invalid, expired or revoked")]
    InvalidToken,
    /// The token is good, and does not reach this far.
    #[error("the access token lacks scope {0}")]
    InsufficientScope(String),
    /// The user is to authenticate anew, in another way or more recently.
    #[error("the user must authenticate again")]
    InsufficientUserAuthentication {
        /// The ways that are wanted, the most welcome first; empty where any will do.
        acr_values: Vec<String>,
        /// Seconds since the authentication, at most.
        max_age: Option<u64>,
    },
    /// It cannot be said whether the token is good: come again.
    #[error("it cannot be said now whether the access token is good")]
    Unavailable,
}

impl Refusal {
    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::InvalidRequest => StatusCode::BAD_REQUEST,
            Self::InsufficientScope(_) => StatusCode::FORBIDDEN,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::UNAUTHORIZED,
        }
    }

    /// The registered code, where there is one; who has shown nothing is told none (RFC 6750 §3.1).
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::NoToken | Self::Unavailable => None,
            Self::InvalidRequest => Some("invalid_request"),
            Self::InvalidToken => Some("invalid_token"),
            Self::InsufficientScope(_) => Some("insufficient_scope"),
            Self::InsufficientUserAuthentication { .. } => Some("insufficient_user_authentication"),
        }
    }

    /// The answer, with a body that is empty.
    #[cfg(any(feature = "axum", feature = "tower"))]
    pub(crate) fn answer<B: Default>(&self) -> http::Response<B> {
        use http::{HeaderValue, header};

        let mut response = http::Response::new(B::default());
        *response.status_mut() = self.status();
        if let Some(challenge) = self.challenge().and_then(|text| HeaderValue::try_from(text).ok())
        {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if *self == Self::Unavailable {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }

    /// The `WWW-Authenticate` header; `None` where the answer has none.
    pub fn challenge(&self) -> Option<String> {
        if *self == Self::Unavailable {
            return None;
        }
        let mut parts = Vec::new();
        if let Some(code) = self.code() {
            parts.push(format!("error=\"{code}\""));
            parts.push(format!("error_description=\"{self}\""));
        }
        match self {
            Self::InsufficientScope(scope) => parts.push(format!("scope=\"{scope}\"")),
            Self::InsufficientUserAuthentication { acr_values, max_age } => {
                if !acr_values.is_empty() {
                    parts.push(format!("acr_values=\"{}\"", acr_values.join(" ")));
                }
                parts.extend(max_age.map(|seconds| format!("max_age={seconds}")));
            }
            _ => {}
        }
        Some(if parts.is_empty() {
            "Bearer".to_owned()
        } else {
            format!("Bearer {}", parts.join(", "))
        })
    }
}
