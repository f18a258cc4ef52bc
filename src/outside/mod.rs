//! Requests that this program makes of others.

mod http;

pub use http::{HttpClient, HttpError};
pub use hyper::http::{Method, Request, header};
