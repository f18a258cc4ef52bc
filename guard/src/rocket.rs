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

use std::{marker::PhantomData, ops::Deref, sync::Arc};

use rocket::{
    Request, Response,
    http::{Header, Status},
    request::{FromRequest, Outcome},
    response::{self, Responder},
};

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

async fn authorized<S: Scopes>(request: &Request<'_>) -> Result<Authorized<S>, Refusal> {
    let mut lines = request.headers().get("Authorization");
    let line = lines.next();
    if lines.next().is_some() {
        return Err(Refusal::InvalidRequest);
    }
    let Some(guard) = request.rocket().state::<Guard>() else {
        tracing::error!("no guard is managed by this Rocket: each request is refused");
        return Err(Refusal::Unavailable);
    };
    let principal = guard.verify_header(line).await?;
    principal.require(S::ALL)?;
    Ok(Authorized { principal, scope: PhantomData })
}

fn status_of(refusal: &Refusal) -> Status {
    Status::new(refusal.status().as_u16())
}

#[rocket::async_trait]
impl<'r, S: Scopes> FromRequest<'r> for Authorized<S> {
    type Error = Refusal;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Refusal> {
        match authorized(request).await {
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
