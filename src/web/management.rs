//! Liveness, readiness and metrics.

use std::sync::Arc;

use rocket::{
    Build, Rocket, Route, get,
    http::{ContentType, Status},
    routes,
};
use serde_json::{Value, json};

use super::{
    Site,
    guards::Shared,
    metrics::Now,
    traced::{Ids, traced},
};

/// The server on the management address.
pub struct Management;

impl Management {
    /// Builds it over the same site.
    pub fn build(figment: rocket::figment::Figment, site: Arc<Site>) -> Rocket<Build> {
        rocket::custom(figment)
            .manage(site)
            .mount("/", traced(routes![metrics, healthz, readyz]))
            .attach(Ids)
    }
}

/// The probes, on the public address too.
pub(super) fn probe_routes() -> Vec<Route> {
    routes![healthz, readyz]
}

#[get("/metrics")]
#[expect(clippy::needless_pass_by_value, reason = "Rocket hands its guards over")]
fn metrics(site: Shared) -> (ContentType, String) {
    let text = ContentType::new("application", "openmetrics-text")
        .with_params([("version", "1.0.0"), ("charset", "utf-8")]);
    let app = &site.0.app;
    let now = Now {
        cutoffs: app.revocations.held() as u128,
        view_age_ms: app.view.age().as_millis(),
        audit_dropped: app.audit.dropped().into(),
        jobs: app.jobs.counts(),
    };
    (text, site.0.metrics.text(&now))
}

#[get("/healthz")]
fn healthz() -> (ContentType, &'static str) {
    (ContentType::JSON, "{\"status\":\"ok\"}")
}

#[get("/readyz")]
async fn readyz(site: Shared) -> (Status, (ContentType, String)) {
    let app = &site.0.app;
    // Over a connection of its own: a full pool is no reason to call the database away.
    let database = app.storage.probe().await;
    let fresh = app.view.is_current();
    let redis = app.revocations.mirror_answers().await;
    let word = |good: bool| if good { "ok" } else { "away" };
    // The lease of this node is a write twice a second: what keeps it out keeps out every other.
    let refusal = app.revocations.last_refusal();
    let writes = refusal.as_deref().map_or("ok".to_owned(), |why| format!("refused: {why}"));
    let mut parts =
        json!({ "database": word(database.is_ok()), "revocation": word(fresh), "writes": writes });
    if let (Some(answers), Value::Object(parts)) = (redis, &mut parts) {
        // Redis only makes revocations faster: without it this node serves as before.
        parts.insert(
            "redis".into(),
            if answers { "ok" } else { "away (not needed to serve)" }.into(),
        );
    }
    let ready = database.is_ok() && fresh && refusal.is_none();
    let status = if ready { Status::Ok } else { Status::ServiceUnavailable };
    let body = json!({ "status": if ready { "ok" } else { "not ready" }, "parts": parts });
    (status, (ContentType::JSON, body.to_string()))
}
