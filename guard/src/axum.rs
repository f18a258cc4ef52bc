//! Extractors for axum: a handler names what it needs.
//!
//! ```no_run
//! use axum::{Json, Router, extract::FromRef, routing::get};
//! use portcullis_guard::{Guard, axum::Authorized, scope};
//!
//! scope!(ReadReports = "reports.read");
//!
//! async fn reports(token: Authorized<ReadReports>) -> Json<String> {
//!     Json(format!("the reports of {}", token.subject()))
//! }
//!
//! fn api(guard: Guard) -> Router {
//!     Router::new().route("/reports", get(reports)).with_state(guard)
//! }
//! ```
//!
//! With a state of your own, [`Guard`] is to be had from it by `FromRef`.

use std::{marker::PhantomData, ops::Deref, sync::Arc};

use axum_core::{
    extract::{FromRef, FromRequestParts},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header, request::Parts};

use crate::{Guard, Principal, Refusal, Scopes};

/// A request with a good token, which has the scope `S`; any good token where nothing is named.
#[derive(Debug, Clone)]
pub struct Authorized<S: Scopes = ()> {
    /// Whom the token speaks for.
    pub principal: Arc<Principal>,
    scope: PhantomData<S>,
}

impl<S: Scopes> Deref for Authorized<S> {
    type Target = Principal;
    fn deref(&self) -> &Principal {
        &self.principal
    }
}

impl<S: Scopes, T: Send + Sync> FromRequestParts<T> for Authorized<S>
where
    Guard: FromRef<T>,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &T) -> Result<Self, Refusal> {
        let mut lines = parts.headers.get_all(header::AUTHORIZATION).iter();
        let line = lines.next();
        if lines.next().is_some() {
            return Err(Refusal::InvalidRequest);
        }
        let line = line.and_then(|line| line.to_str().ok());
        let principal = Guard::from_ref(state).verify_header(line).await?;
        principal.require(S::ALL)?;
        Ok(Self { principal, scope: PhantomData })
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        if let Some(challenge) = self.challenge().and_then(|text| HeaderValue::try_from(text).ok())
        {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if self == Self::Unavailable {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
