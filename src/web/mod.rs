//! HTTP: routes, guards and answers. What a request means is decided further down.

pub(crate) mod account;
pub(crate) mod admin;
pub(crate) mod api;
mod catchers;
mod cookies;
mod fairings;
mod first_party;
mod guards;
pub(crate) mod listener;
pub(crate) mod management;
mod oauth2;
mod page;
mod respond;
mod statics;

use std::sync::Arc;

use rocket::{Build, Rocket};

use crate::{accounts::Accounts, installation::Installation, views::Renderer};

pub use management::{Management, Metrics};

/// What every handler works with.
pub struct Site {
    /// The installation.
    pub app: Arc<Installation>,
    /// Users proving who they are.
    pub accounts: Arc<Accounts>,
    /// The pages.
    pub views: Renderer,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

/// Mounts every route on `rocket`.
pub fn mount(rocket: Rocket<Build>) -> Rocket<Build> {
    rocket
        .mount("/", statics::routes())
        .mount("/", oauth2::root_routes())
        .mount("/", management::probe_routes())
        .mount("/t", oauth2::tenant_routes())
        .mount("/t", first_party::routes())
        .mount("/t", account::routes())
        .mount("/admin", admin::routes())
        .mount("/api", api::routes())
        .register("/", catchers::all())
        .attach(fairings::Headers)
}

/// Runs `work` in a task of its own: a client that hangs up cannot cut a write in half.
///
/// `None` where the task died; the panic has been logged.
pub(crate) async fn uncut<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Option<T> {
    rocket::tokio::spawn(work).await.ok()
}
