//! The API: C to F of RFC 6749's picture. The guard takes its tokens, and hears what was ended.

use portcullis_guard::{Feed, Guard, NotBuilt, Refusal, rocket::Authorized, scope};
use rocket::{Route, get, routes};

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

#[get("/reports")]
fn reports(token: Result<Authorized<ReadReports>, Refusal>) -> Result<String, Refusal> {
    Ok(format!("the reports of {}", token?.subject()))
}

#[get("/me")]
fn me(token: Result<Authorized, Refusal>) -> Result<String, Refusal> {
    let token = token?;
    let scope: Vec<&str> = token.scope().collect();
    Ok(format!("{} with {}", token.subject(), scope.join(" ")))
}

/// Its routes.
pub fn routes() -> Vec<Route> {
    routes![reports, me]
}
