//! The API: C to F of RFC 6749's picture. The guard takes its tokens, and hears what was ended.

use axum::{Router, routing::get};
use portcullis_guard::{Feed, Guard, NotBuilt, axum::Authorized, scope};

use crate::settings::Settings;

scope!(ReadReports = "reports.read");

/// The guard.
///
/// # Errors
/// The settings make none.
pub fn guard(settings: &Settings) -> Result<Guard, NotBuilt> {
    Guard::for_audience(&settings.audience)
        .issuer(&settings.issuer)
        .follow(Feed::as_client(&settings.api_client_id, &settings.api_client_secret))
        .build()
}

async fn reports(token: Authorized<ReadReports>) -> String {
    format!("the reports of {}", token.subject())
}

async fn me(token: Authorized) -> String {
    let scope: Vec<&str> = token.scope().collect();
    format!("{} with {}", token.subject(), scope.join(" "))
}

/// Its routes.
pub fn routes(guard: Guard) -> Router {
    Router::new().route("/api/reports", get(reports)).route("/api/me", get(me)).with_state(guard)
}
