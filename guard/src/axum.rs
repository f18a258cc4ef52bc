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

use axum_core::{
    extract::{FromRef, FromRequestParts},
    response::{IntoResponse, Response},
};
use http::{header, request::Parts};

pub use crate::authorized::Authorized;
use crate::{Guard, Refusal, Scopes};

impl<S: Scopes, T: Send + Sync> FromRequestParts<T> for Authorized<S>
where
    Guard: FromRef<T>,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &T) -> Result<Self, Refusal> {
        let headers = parts.headers.get_all(header::AUTHORIZATION).iter();
        Self::by(&Guard::from_ref(state), headers.map(|line| line.to_str().ok())).await
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.answer()
    }
}
