//! HTTP: routes, guards and answers. What a request means is decided further down.

mod answers;
pub(crate) mod api;
mod catchers;
pub(crate) mod console;
mod cookies;
mod fairings;
mod first_party;
mod guards;
pub(crate) mod in_process;
mod interaction;
pub(crate) mod listener;
pub(crate) mod management;
mod metrics;
mod oauth2;
pub(crate) mod pages;
mod routes;
mod site;
mod statics;
mod traced;

use rocket::{Build, Rocket, shield::Shield};

pub use management::Management;
pub use metrics::Metrics;
pub use site::Site;
use traced::traced;

/// Mounts every route on `rocket`.
pub fn mount(rocket: Rocket<Build>) -> Rocket<Build> {
    let mounted = [
        ("/", statics::routes()),
        ("/", oauth2::root_routes()),
        ("/", management::probe_routes()),
        ("/t", oauth2::tenant_routes()),
        ("/t", first_party::routes()),
        ("/t", pages::routes()),
        ("/admin", console::routes()),
        ("/api", api::routes()),
    ];
    let rocket = mounted
        .into_iter()
        .fold(rocket, |rocket, (base, routes)| rocket.mount(base, traced(routes)));
    rocket
        .register("/", catchers::all())
        // In place of Rocket's own, whose headers would be others, and put in twice.
        .attach(Shield::new())
        .attach(fairings::Headers)
        .attach(traced::Ids)
}
