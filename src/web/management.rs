//! Liveness, readiness and metrics.

use std::sync::{Arc, atomic::AtomicI64};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use rocket::{
    Build, Rocket, Route, get,
    http::{ContentType, Status},
    routes,
};
use serde_json::{Value, json};

use super::{Site, guards::Shared};
use crate::{domain::GrantType, protocol::ErrorCode};

/// The labels of a token answer.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TokenLabels {
    grant: &'static str,
    result: &'static str,
}

/// What is counted.
pub struct Metrics {
    registry: Registry,
    tokens: Family<TokenLabels, Counter>,
    cutoffs: Gauge<i64, AtomicI64>,
    view_age_ms: Gauge<i64, AtomicI64>,
    audit_dropped: Gauge<i64, AtomicI64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("portcullis");
        let tokens = Family::<TokenLabels, Counter>::default();
        let (cutoffs, view_age_ms, audit_dropped) = (Gauge::default(), Gauge::default(), Gauge::default());
        registry.register("token_answers", "Answers of the token endpoint", tokens.clone());
        registry.register("revocation_cutoffs", "Cut-offs in memory", cutoffs.clone());
        registry.register(
            "revocation_view_age_ms",
            "Milliseconds since this node last read the events",
            view_age_ms.clone(),
        );
        registry.register("audit_dropped", "Audit entries that an attack pushed out", audit_dropped.clone());
        Self { registry, tokens, cutoffs, view_age_ms, audit_dropped }
    }
}

impl Metrics {
    /// Counts an answer of the token endpoint.
    pub(super) fn token_answered(&self, grant: &str, error: Option<ErrorCode>) {
        // Labels come from our own lists: what a client writes must not become a time series.
        let grant = GrantType::from_name(grant).map_or("other", GrantType::as_str);
        let result = error.map_or("ok", ErrorCode::as_str);
        self.tokens.get_or_create(&TokenLabels { grant, result }).inc();
    }

    fn text(&self, site: &Site) -> String {
        let number = |value: u128| i64::try_from(value).unwrap_or(i64::MAX);
        self.cutoffs.set(number(site.app.revocations.held() as u128));
        self.view_age_ms.set(number(site.app.view.age().as_millis()));
        self.audit_dropped.set(number(site.app.audit.dropped().into()));
        let mut out = String::new();
        match encode(&mut out, &self.registry) {
            Ok(()) => out,
            Err(why) => format!("# {why}\n"),
        }
    }
}

/// The server on the management address.
pub struct Management;

impl Management {
    /// Builds it over the same site.
    pub fn build(figment: rocket::figment::Figment, site: Arc<Site>) -> Rocket<Build> {
        rocket::custom(figment).manage(site).mount("/", routes![metrics, healthz, readyz])
    }
}

/// The probes, on the public address too.
pub(super) fn probe_routes() -> Vec<Route> {
    routes![healthz, readyz]
}

#[get("/metrics")]
fn metrics(site: Shared) -> (ContentType, String) {
    let text =
        ContentType::new("application", "openmetrics-text").with_params([("version", "1.0.0"), ("charset", "utf-8")]);
    (text, site.0.metrics.text(&site.0))
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
    let mut parts = json!({ "database": word(database.is_ok()), "revocation": word(fresh), "writes": writes });
    if let (Some(answers), Value::Object(parts)) = (redis, &mut parts) {
        // Redis only makes revocations faster: without it this node serves as before.
        parts.insert("redis".into(), if answers { "ok" } else { "away (not needed to serve)" }.into());
    }
    let ready = database.is_ok() && fresh && refusal.is_none();
    let status = if ready { Status::Ok } else { Status::ServiceUnavailable };
    let body = json!({ "status": if ready { "ok" } else { "not ready" }, "parts": parts });
    (status, (ContentType::JSON, body.to_string()))
}
