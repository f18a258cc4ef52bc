//! The protocol endpoints, under `/t/{slug}/oauth2/` and `.well-known`.

mod authorize;
mod documents;
mod logout;
mod revocations;
mod token;
mod userinfo;

use rocket::{Route, routes};

pub(super) fn root_routes() -> Vec<Route> {
    routes![documents::authorization_server_metadata, documents::openid_configuration_by_path]
}

pub(super) fn tenant_routes() -> Vec<Route> {
    routes![
        authorize::show,
        authorize::post,
        documents::openid_configuration,
        documents::jwks,
        logout::show,
        logout::post,
        revocations::feed,
        token::token,
        token::revoke,
        token::introspect,
        userinfo::show,
        userinfo::post,
    ]
}
