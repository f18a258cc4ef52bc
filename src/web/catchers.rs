//! Answers to requests that met no route, in the form that their address promises.

use std::sync::Arc;

use rocket::{
    Catcher, Request, Response, catch, catchers,
    http::{Header, Method, Status},
    response::{self, Responder},
};

use super::{
    Site,
    answers::{Html, Problem, WithStatus, json},
    routes::{Errors, methods_at, place_of},
};
use crate::protocol::{ErrorCode, OauthError};

pub(super) fn all() -> Vec<Catcher> {
    catchers![any]
}

pub(super) struct Caught {
    status: Status,
    errors: Errors,
    /// The methods that are served there, where the request used another.
    allow: Vec<Method>,
}

#[catch(default)]
fn any(status: Status, request: &Request<'_>) -> Caught {
    let segments: Vec<&str> = request.uri().path().segments().collect();
    let errors = place_of(&segments).errors;
    let allow = if status == Status::NotFound {
        methods_at(request.rocket(), &segments)
    } else {
        Vec::new()
    };
    // Where the method is served, it is what it asks for that is not there.
    let method = if request.method() == Method::Head { Method::Get } else { request.method() };
    let is_other = !allow.is_empty() && !allow.contains(&method);
    match is_other {
        true => Caught { status: Status::MethodNotAllowed, errors, allow },
        false => Caught { status, errors, allow: Vec::new() },
    }
}

impl<'r> Responder<'r, 'static> for Caught {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let text = match self.status.code {
            404 => "There is nothing at this address.",
            405 => "This address does not serve this method.",
            413 => "The body is too large.",
            _ => "The request cannot be answered.",
        };
        let mut response: Response<'static> =
            match (self.errors, request.rocket().state::<Arc<Site>>()) {
                (Errors::Oauth, _) => {
                    let code = match self.status.code {
                        404 => ErrorCode::NotFound,
                        500.. => ErrorCode::ServerError,
                        _ => ErrorCode::InvalidRequest,
                    };
                    WithStatus(self.status, OauthError::new(code, text)).respond_to(request)?
                }
                (Errors::Problem, _) => Problem::plain(self.status, text).respond_to(request)?,
                (Errors::Page, Some(site)) => {
                    let title = self.status.reason_lossy();
                    Html::message(site, self.status, title, text).respond_to(request)?
                }
                (Errors::Page, None) => json(self.status, &text)?,
            };
        if !self.allow.is_empty() {
            let methods: Vec<&str> = self.allow.iter().map(|method| method.as_str()).collect();
            response.set_header(Header::new("Allow", methods.join(", ")));
        }
        Ok(response)
    }
}
