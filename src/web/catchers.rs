//! Answers to requests that met no route, in the form that their address promises.

use std::sync::Arc;

use rocket::{
    Catcher, Request, Response, catch, catchers,
    http::{Header, Status},
    response::{self, Responder},
};

use super::{
    Site,
    answers::{Html, Problem, WithStatus, json},
};
use crate::protocol::{ErrorCode, OauthError};

pub(super) fn all() -> Vec<Catcher> {
    catchers![any]
}

enum Kind {
    Oauth,
    Api,
    Page,
}

/// The methods that an address serves, where it is one of ours and the request used another.
fn served(segments: &[&str]) -> Option<&'static str> {
    match segments {
        ["t", _, "oauth2", "token" | "revoke" | "introspect"] | ["t", _, "auth", "login" | "refresh" | "logout"] => {
            Some("POST")
        }
        ["t", _, "oauth2", "authorize" | "userinfo" | "logout"] | ["t", _, "login" | "consent"] => Some("GET, POST"),
        ["t", _, "oauth2", "jwks"] | ["t", _, "auth", "me"] | ["t", _, "account"] => Some("GET"),
        _ => None,
    }
}

pub(super) struct Caught {
    status: Status,
    kind: Kind,
    allow: Option<&'static str>,
}

#[catch(default)]
fn any(status: Status, request: &Request<'_>) -> Caught {
    let segments: Vec<&str> = request.uri().path().segments().collect();
    let kind = match segments.as_slice() {
        ["t", _, "oauth2", "authorize" | "logout"] => Kind::Page,
        ["t", _, "oauth2" | "auth" | ".well-known", ..] | [".well-known", ..] => Kind::Oauth,
        ["api", ..] => Kind::Api,
        _ => Kind::Page,
    };
    let allow = served(&segments).filter(|_| status == Status::NotFound);
    Caught { status: if allow.is_some() { Status::MethodNotAllowed } else { status }, kind, allow }
}

impl<'r> Responder<'r, 'static> for Caught {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let text = match self.status.code {
            404 => "There is nothing at this address.",
            405 => "This address does not serve this method.",
            413 => "The body is too large.",
            _ => "The request cannot be answered.",
        };
        let mut response: Response<'static> = match (self.kind, request.rocket().state::<Arc<Site>>()) {
            (Kind::Oauth, _) => {
                let code = match self.status.code {
                    404 => ErrorCode::NotFound,
                    500.. => ErrorCode::ServerError,
                    _ => ErrorCode::InvalidRequest,
                };
                WithStatus(self.status, OauthError::new(code, text)).respond_to(request)?
            }
            (Kind::Api, _) => Problem::plain(self.status, text).respond_to(request)?,
            (Kind::Page, Some(site)) => {
                let title = self.status.reason_lossy();
                Html::message(site, self.status, title, text).respond_to(request)?
            }
            (Kind::Page, None) => json(self.status, &text)?,
        };
        if let Some(methods) = self.allow {
            response.set_header(Header::new("Allow", methods));
        }
        Ok(response)
    }
}
