//! The span of a request: what each line of the log bears that is written on its way.
//!
//! It is put into words where a line is written. Most requests write none, and tracing would put them into
//! words for each.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use serde::Serialize;
use tracing::Span;
use tracing_subscriber::{Registry, registry::LookupSpan as _};

use crate::domain::{RequestId, Slug};

/// A request as its answer and the log tell of it.
pub struct RequestSpan {
    id: RequestId,
    method: &'static str,
    met: OnceLock<Met>,
    client_id: OnceLock<String>,
}

/// What its route says of it.
struct Met {
    route: String,
    tenant: Option<Slug>,
}

impl RequestSpan {
    /// A request with this id and method.
    pub fn new(id: RequestId, method: &'static str) -> Self {
        Self { id, method, met: OnceLock::new(), client_id: OnceLock::new() }
    }

    /// Its id.
    pub fn id(&self) -> RequestId {
        self.id
    }

    /// It has met this route, whose address names this tenant; the first one stays.
    pub fn meets(&self, route: &str, tenant: impl FnOnce() -> Option<Slug>) {
        self.met.get_or_init(|| Met { route: route.to_owned(), tenant: tenant() });
    }

    /// The pattern of its route; what was asked for holds secrets, and is whatever a stranger wrote.
    pub fn route(&self) -> Option<&str> {
        self.met.get().map(|met| met.route.as_str())
    }

    /// The tenant that its address names, whether there is one or not.
    pub fn tenant(&self) -> Option<&str> {
        self.met.get().and_then(|met| met.tenant.as_ref()).map(Slug::as_str)
    }

    /// The request that is being answered here is this registered client's, or for it.
    pub fn is_of_client(client_id: &str) {
        Span::current().with_subscriber(|(span, subscriber)| {
            let span = subscriber.downcast_ref::<Registry>()?.span(span)?;
            // The first one stays.
            span.extensions().get::<Arc<Self>>()?.client_id.set(client_id.to_owned()).ok()
        });
    }

    /// The span to answer it in. Of the highest level: whichever lines a filter keeps, they bear it.
    pub fn open(self: &Arc<Self>) -> Span {
        let span = tracing::error_span!("request");
        span.with_subscriber(|(id, subscriber)| {
            let span = subscriber.downcast_ref::<Registry>()?.span(id)?;
            span.extensions_mut().insert(Arc::clone(self));
            Some(())
        });
        span
    }

    /// What is told of it by now.
    pub(crate) fn told(&self) -> Told<'_> {
        Told {
            request_id: self.id.to_string(),
            method: self.method,
            route: self.route(),
            tenant: self.tenant(),
            client: self.client_id.get().map(String::as_str),
        }
    }
}

/// A request in words: the fields of its span. As text, they stand behind one another.
#[derive(Serialize)]
pub(crate) struct Told<'a> {
    request_id: String,
    method: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'a str>,
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "request_id={} method={:?}", self.request_id, self.method)?;
        for (name, value) in
            [("route", self.route), ("tenant", self.tenant), ("client", self.client)]
        {
            if let Some(value) = value {
                write!(f, " {name}={value:?}")?;
            }
        }
        Ok(())
    }
}
