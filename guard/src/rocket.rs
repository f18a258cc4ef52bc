//! Request guards for Rocket: a handler names what it needs.
//!
//! ```no_run
//! use portcullis_guard::{Guard, Refusal, rocket::Authorized, scope};
//! use rocket::{Build, Rocket, get, routes};
//!
//! scope!(ReadReports = "reports.read");
//!
//! #[get("/reports")]
//! fn reports(token: Result<Authorized<ReadReports>, Refusal>) -> Result<String, Refusal> {
//!     Ok(format!("the reports of {}", token?.subject()))
//! }
//!
//! fn api(guard: Guard) -> Rocket<Build> {
//!     rocket::build().manage(guard).mount("/", routes![reports])
//! }
//! ```
//!
//! A handler that takes an [`Authorized`] as it is leaves a refusal to Rocket's catchers, which know its status and not
//! its `WWW-Authenticate`.

use rocket::{
    Request, Response,
    http::{Header, Status},
    request::{FromRequest, Outcome},
    response::{self, Responder},
};

pub use crate::authorized::Authorized;
use crate::{Guard, Refusal, Scopes};

fn status_of(refusal: &Refusal) -> Status {
    Status::new(refusal.status().as_u16())
}

#[rocket::async_trait]
impl<'r, S: Scopes> FromRequest<'r> for Authorized<S> {
    type Error = Refusal;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Refusal> {
        let Some(guard) = request.rocket().state::<Guard>() else {
            tracing::error!("no guard is managed by this Rocket: each request is refused");
            let refusal = Refusal::Unavailable;
            return Outcome::Error((status_of(&refusal), refusal));
        };
        match Self::by(guard, request.headers().get("Authorization").map(Some)).await {
            Ok(authorized) => Outcome::Success(authorized),
            Err(refusal) => Outcome::Error((status_of(&refusal), refusal)),
        }
    }
}

impl<'r> Responder<'r, 'static> for Refusal {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        let mut response = Response::new();
        response.set_status(status_of(&self));
        if let Some(challenge) = self.challenge() {
            response.set_header(Header::new("WWW-Authenticate", challenge));
        }
        if self == Self::Unavailable {
            response.set_header(Header::new("Retry-After", "1"));
        }
        Ok(response)
    }
}
