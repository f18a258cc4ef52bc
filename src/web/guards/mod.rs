//! What a request shows. A guard that fails hands its handler a value, never a catcher.

mod body;
mod browser;
mod condition;
mod credentials;
mod origin;
pub(crate) mod strict;
mod tenant;

pub(crate) use body::{Form, JsonBody, MOST_BODY, Query};
pub(crate) use browser::Browser;
pub(crate) use condition::IfMatch;
pub(crate) use credentials::{Authorization, Bearer};
pub(crate) use origin::Peer;
pub(crate) use tenant::{Addressed, NoTenant};

use std::sync::Arc;

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
