//! Files that come with the binary.

use rocket::{
    Route, get,
    http::{ContentType, Header},
    response::Responder,
    routes,
};

use super::answers::SeeOther;

pub(super) fn routes() -> Vec<Route> {
    routes![home, stylesheet, form_post, copy, icon]
}

#[derive(Responder)]
struct Asset {
    body: &'static str,
    content_type: ContentType,
    cache: Header<'static>,
}

fn asset(body: &'static str, content_type: ContentType) -> Asset {
    Asset { body, content_type, cache: Header::new("Cache-Control", "public, max-age=3600") }
}

#[get("/")]
fn home() -> SeeOther {
    SeeOther("/admin".into())
}

#[get("/static/portcullis.css")]
fn stylesheet() -> Asset {
    asset(include_str!("../../static/portcullis.css"), ContentType::CSS)
}

#[get("/static/form_post.js")]
fn form_post() -> Asset {
    asset(include_str!("../../static/form_post.js"), ContentType::JavaScript)
}

#[get("/static/copy.js")]
fn copy() -> Asset {
    asset(include_str!("../../static/copy.js"), ContentType::JavaScript)
}

#[get("/static/icon.svg")]
fn icon() -> Asset {
    asset(include_str!("../../static/icon.svg"), ContentType::SVG)
}
