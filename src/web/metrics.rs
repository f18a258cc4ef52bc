//! What is counted.

use std::sync::atomic::AtomicI64;

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::{domain::GrantType, protocol::ErrorCode};

/// The labels of an answer to who asks for tokens.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TokenLabels {
    grant: &'static str,
    result: &'static str,
}

/// The label of a job's figures.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct JobLabel {
    job: &'static str,
}

/// What is counted.
pub struct Metrics {
    registry: Registry,
    tokens: Family<TokenLabels, Counter>,
    cutoffs: Gauge<i64, AtomicI64>,
    view_age_ms: Gauge<i64, AtomicI64>,
    audit_dropped: Gauge<i64, AtomicI64>,
    job_rows: Family<JobLabel, Gauge<i64, AtomicI64>>,
    job_failures: Family<JobLabel, Gauge<i64, AtomicI64>>,
}

/// What stands elsewhere and is read when it is asked for.
pub(super) struct Now {
    pub(super) cutoffs: u128,
    pub(super) view_age_ms: u128,
    pub(super) audit_dropped: u128,
    /// Name, rows done, failures.
    pub(super) jobs: Vec<(&'static str, u64, u64)>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("portcullis");
        let tokens = Family::<TokenLabels, Counter>::default();
        let (cutoffs, view_age_ms, audit_dropped) =
            (Gauge::default(), Gauge::default(), Gauge::default());
        registry.register(
            "token_answers",
            "Answers to who asks for tokens, at the token endpoint and at /auth/",
            tokens.clone(),
        );
        registry.register("revocation_cutoffs", "Cut-offs in memory", cutoffs.clone());
        registry.register(
            "revocation_view_age_ms",
            "Milliseconds since this node last read the events",
            view_age_ms.clone(),
        );
        registry.register(
            "audit_dropped",
            "Audit entries that an attack pushed out",
            audit_dropped.clone(),
        );
        let (job_rows, job_failures) = (Family::default(), Family::default());
        registry.register("job_rows", "Rows that a job has done since the start", job_rows.clone());
        registry.register(
            "job_failures",
            "Times that a job could not go on since the start",
            job_failures.clone(),
        );
        Self { registry, tokens, cutoffs, view_age_ms, audit_dropped, job_rows, job_failures }
    }
}

impl Metrics {
    /// Counts an answer to who asks for tokens.
    pub(super) fn token_answered(&self, grant: &str, error: Option<ErrorCode>) {
        // Labels come from our own lists: what a client writes must not become a time series.
        let grant = grant.parse().map_or("other", GrantType::as_str);
        let result = error.map_or("ok", ErrorCode::as_str);
        self.tokens.get_or_create(&TokenLabels { grant, result }).inc();
    }

    /// Everything, in the text form of OpenMetrics.
    pub(super) fn text(&self, now: &Now) -> String {
        let number = |value: u128| i64::try_from(value).unwrap_or(i64::MAX);
        self.cutoffs.set(number(now.cutoffs));
        self.view_age_ms.set(number(now.view_age_ms));
        self.audit_dropped.set(number(now.audit_dropped));
        for (job, rows, failures) in &now.jobs {
            self.job_rows.get_or_create(&JobLabel { job }).set(number((*rows).into()));
            self.job_failures.get_or_create(&JobLabel { job }).set(number((*failures).into()));
        }
        let mut out = String::new();
        match encode(&mut out, &self.registry) {
            Ok(()) => out,
            Err(why) => format!("# {why}\n"),
        }
    }
}
