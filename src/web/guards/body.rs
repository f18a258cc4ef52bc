//! Bodies and queries, strictly read.

use std::ops::Deref;

use rocket::{
    Data, Request,
    data::{self, FromData, ToByteUnit as _},
    http::Status,
    request::{FromRequest, Outcome},
};
use serde_json::Value;

use crate::protocol::{OauthError, Params, is_storable};

/// Forms are small; the largest part of one is a signed assertion.
const MOST_FORM: u64 = 16 * 1024;
const MOST_JSON: u64 = 64 * 1024;

/// No handler takes more of a body, in bytes.
pub(crate) const MOST_BODY: usize = MOST_JSON as usize;

/// An `application/x-www-form-urlencoded` body, no parameter twice.
pub(crate) struct Form(pub(crate) Params);

impl Deref for Form {
    type Target = Params;
    fn deref(&self) -> &Params {
        &self.0
    }
}

fn media_type<'r>(request: &'r Request<'_>) -> &'r str {
    let line = request.headers().get_one("Content-Type").unwrap_or_default();
    line.split(';').next().unwrap_or_default().trim()
}

async fn bytes(data: Data<'_>, most: u64) -> Result<Vec<u8>, OauthError> {
    match data.open(most.bytes()).into_bytes().await {
        Ok(bytes) if bytes.is_complete() => Ok(bytes.into_inner()),
        Ok(_) => Err(OauthError::too_large(most)),
        Err(_) => Err(OauthError::invalid_request("the body broke off")),
    }
}

async fn form_bytes(request: &Request<'_>, data: Data<'_>) -> Result<Vec<u8>, OauthError> {
    if !media_type(request).eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(OauthError::invalid_request(
            "Content-Type must be application/x-www-form-urlencoded",
        ));
    }
    bytes(data, MOST_FORM).await
}

#[rocket::async_trait]
impl<'r> FromData<'r> for Form {
    type Error = OauthError;

    async fn from_data(request: &'r Request<'_>, data: Data<'r>) -> data::Outcome<'r, Self> {
        match form_bytes(request, data).await.and_then(|bytes| Params::parse(&bytes)) {
            Ok(params) => data::Outcome::Success(Self(params)),
            Err(error) => data::Outcome::Error((Status::BadRequest, error)),
        }
    }
}

/// A JSON body.
pub(crate) struct JsonBody(pub(crate) Value);

/// Whether a string in `value` cannot be stored.
fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => !is_storable(text),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(members) => {
            members.iter().any(|(name, value)| !is_storable(name) || has_nul(value))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[rocket::async_trait]
impl<'r> FromData<'r> for JsonBody {
    type Error = OauthError;

    async fn from_data(request: &'r Request<'_>, data: Data<'r>) -> data::Outcome<'r, Self> {
        let read = async {
            let media_type = media_type(request).to_ascii_lowercase();
            if media_type != "application/json" && media_type != "application/merge-patch+json" {
                return Err(OauthError::invalid_request("Content-Type must be application/json"));
            }
            let bytes = bytes(data, MOST_JSON).await?;
            let value = serde_json::from_slice(&bytes).map_err(|why| {
                OauthError::invalid_request(format!("the body is no JSON: {why}"))
            })?;
            if has_nul(&value) {
                Err(OauthError::invalid_request("a NUL byte in a string"))
            } else {
                Ok(value)
            }
        };
        match read.await {
            Ok(value) => data::Outcome::Success(Self(value)),
            Err(error) => data::Outcome::Error((Status::BadRequest, error)),
        }
    }
}

/// The query, with what is wrong with it beside it: an authorization request must first be
/// known to come from a client before its faults are told to one.
pub(crate) struct Query {
    pub(crate) params: Params,
    pub(crate) fault: Option<OauthError>,
}

impl Query {
    /// Reads a query string.
    pub(crate) fn parse(encoded: &str) -> Self {
        Self::parse_bytes(encoded.as_bytes())
    }

    fn parse_bytes(encoded: &[u8]) -> Self {
        let (params, fault) = Params::parse_apart(encoded);
        Self { params, fault }
    }
}

/// The same where it was posted (OpenID Connect Core §3.1.2.1).
#[rocket::async_trait]
impl<'r> FromData<'r> for Query {
    type Error = OauthError;

    async fn from_data(request: &'r Request<'_>, data: Data<'r>) -> data::Outcome<'r, Self> {
        match form_bytes(request, data).await {
            Ok(bytes) => data::Outcome::Success(Self::parse_bytes(&bytes)),
            Err(error) => data::Outcome::Error((Status::BadRequest, error)),
        }
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Query {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        let query = request.uri().query().map(|query| query.as_str()).unwrap_or_default();
        Outcome::Success(Self::parse(query))
    }
}
