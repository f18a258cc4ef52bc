//! The `Authorization` header.

use rocket::{
    Request,
    http::Status,
    request::{FromRequest, Outcome},
};

use crate::protocol::OauthError;

/// The header as it is, where there is just one.
pub(crate) struct Authorization(pub(crate) Option<String>);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Authorization {
    type Error = OauthError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, OauthError> {
        let mut lines = request.headers().get("Authorization");
        match (lines.next(), lines.next()) {
            (line, None) => Outcome::Success(Self(line.map(str::to_owned))),
            _ => Outcome::Error((
                Status::BadRequest,
                OauthError::invalid_request("two Authorization headers"),
            )),
        }
    }
}

/// A bearer token (RFC 6750 §2.1). In the query it is not looked for.
pub(crate) struct Bearer(pub(crate) String);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Bearer {
    type Error = OauthError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, OauthError> {
        let missing = || OauthError::invalid_token().because("no bearer token");
        let mut lines = request.headers().get("Authorization");
        let token = match (lines.next(), lines.next()) {
            (Some(line), None) => {
                line.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            }
            _ => None,
        };
        match token.map(|(_, token)| token.trim()).filter(|token| !token.is_empty()) {
            Some(token) => Outcome::Success(Self(token.to_owned())),
            None => Outcome::Error((Status::Unauthorized, missing())),
        }
    }
}
