//! What a request shows. A guard that fails hands its handler a value, never a catcher.

mod body;
mod browser;
mod condition;
mod credentials;
mod origin;
mod session;
pub(crate) mod strict;
mod tenant;

pub(crate) use body::{Form, JsonBody, MOST_BODY, Query};
pub(crate) use browser::Browser;
pub(crate) use condition::IfMatch;
pub(crate) use credentials::{Authorization, Bearer};
pub(crate) use origin::{Peer, address};
pub(crate) use session::CurrentSession;
pub(crate) use tenant::{Addressed, NoTenant};

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use rocket::{Request, request::Outcome};

use super::Site;

#[rocket::async_trait]
impl<'r> rocket::request::FromRequest<'r> for &'r Site {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        match request.rocket().state::<Arc<Site>>() {
            Some(site) => Outcome::Success(site),
            None => Outcome::Forward(rocket::http::Status::ServiceUnavailable),
        }
    }
}

/// The site, for work that outlives the request.
pub(crate) struct Shared(pub(crate) Arc<Site>);

#[rocket::async_trait]
impl<'r> rocket::request::FromRequest<'r> for Shared {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        match request.rocket().state::<Arc<Site>>() {
            Some(site) => Outcome::Success(Self(Arc::clone(site))),
            None => Outcome::Forward(rocket::http::Status::ServiceUnavailable),
        }
    }
}

/// Whether a guard has found a session of the one who sends a request: kept with the request, for the
/// listener.
#[derive(Default)]
pub(crate) struct SessionSeen(AtomicBool);

impl SessionSeen {
    /// That of a request.
    pub(crate) fn of<'r>(request: &'r Request<'_>) -> &'r Arc<Self> {
        request.local_cache(Arc::default)
    }

    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_so(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
