//! Headers that every answer bears.

use rocket::{
    Request, Response,
    fairing::{Fairing, Info, Kind},
    http::{Header, Method, Status},
};

use super::routes::place_of;

/// Security headers, and CORS where no cookie is looked at.
pub(super) struct Headers;

/// The policy of every page that does not bring its own: nothing but our stylesheet.
pub(super) const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
     frame-ancestors 'none'; base-uri 'none'";

#[rocket::async_trait]
impl Fairing for Headers {
    fn info(&self) -> Info {
        Info { name: "headers", kind: Kind::Response }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        for (name, value) in [
            ("X-Content-Type-Options", "nosniff"),
            ("X-Frame-Options", "DENY"),
            ("Referrer-Policy", "same-origin"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
        ] {
            response.set_header(Header::new(name, value));
        }
        if response.headers().get_one("Content-Security-Policy").is_none() {
            response.set_header(Header::new("Content-Security-Policy", POLICY));
        }
        let segments: Vec<&str> = request.uri().path().segments().collect();
        if place_of(&segments).is_open {
            response.set_header(Header::new("Access-Control-Allow-Origin", "*"));
            response.set_header(Header::new(
                "Access-Control-Expose-Headers",
                "WWW-Authenticate, Retry-After, X-Request-Id",
            ));
            if request.method() == Method::Options {
                response.set_status(Status::NoContent);
                response.set_sized_body(0, std::io::Cursor::new(""));
                response.set_header(Header::new("Access-Control-Allow-Methods", "GET, POST"));
                response.set_header(Header::new(
                    "Access-Control-Allow-Headers",
                    "Authorization, Content-Type, traceparent",
                ));
                response.set_header(Header::new("Access-Control-Max-Age", "600"));
            }
        }
    }
}
