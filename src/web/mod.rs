//! HTTP: routes, guards and answers. What a request means is decided further down.

mod answers;
pub(crate) mod api;
mod catchers;
pub(crate) mod console;
mod cookies;
mod fairings;
mod first_party;
mod guards;
mod interaction;
pub(crate) mod listener;
pub(crate) mod management;
mod metrics;
mod oauth2;
pub(crate) mod pages;
mod routes;
mod site;
mod statics;

use rocket::{Build, Rocket};

pub use management::Management;
pub use metrics::Metrics;
pub use site::Site;

/// Mounts every route on `rocket`.
pub fn mount(rocket: Rocket<Build>) -> Rocket<Build> {
    rocket
        .mount("/", statics::routes())
        .mount("/", oauth2::root_routes())
        .mount("/", management::probe_routes())
        .mount("/t", oauth2::tenant_routes())
        .mount("/t", first_party::routes())
        .mount("/t", pages::routes())
        .mount("/admin", console::routes())
        .mount("/api", api::routes())
        .register("/", catchers::all())
        .attach(fairings::Headers)
}
