//! The `If-Match` header (RFC 9110 §13.1.1).

use rocket::{
    Request,
    request::{FromRequest, Outcome},
};

use crate::admin::Expected;

/// The versions that a change is meant for. A tag that is none of ours matches nothing, as does a
/// weak one: the comparison is strong.
pub(crate) struct IfMatch(pub(crate) Expected);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for IfMatch {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        let mut lines = request.headers().get("If-Match").peekable();
        if lines.peek().is_none() {
            return Outcome::Success(Self(Expected::ANY));
        }
        let tags: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
        if tags.contains(&"*") {
            return Outcome::Success(Self(Expected::ANY));
        }
        let version = |tag: &&str| tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok();
        Outcome::Success(Self(Expected::one_of(tags.iter().filter_map(version).collect())))
    }
}
