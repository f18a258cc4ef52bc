//! A request as answers, log and trail tell of it: by an id, the route that it has met, and its tenant.
//!
//! The id is the trace id of W3C Trace Context, so that a request can be followed through what stands in
//! front of this server.

use std::sync::Arc;

use rocket::{
    Data, Request, Response, Route,
    fairing::{Fairing, Info, Kind},
    http::Header,
    route::{Handler, Outcome},
};

use super::{Site, routes::tenant_in};
use crate::{domain::RequestId, effects::Effects, request_span::RequestSpan};

/// The header in which a request names its trace.
pub(super) const TRACEPARENT: &str = "traceparent";

/// The header in which its answer bears its id.
pub(super) const REQUEST_ID: &str = "x-request-id";

/// A request's span, and who tells of its id.
#[derive(Clone)]
pub(super) struct Traced {
    pub(super) span: Arc<RequestSpan>,
    /// Whether the listener puts the id into the answer's head: in Rocket's map of headers it costs more.
    of_listener: bool,
}

impl Traced {
    /// A request of the listener's with these lines of `traceparent`: of the trace that they name, where it
    /// is one and valid, or else with a new id.
    pub(super) fn named_by<'a>(
        lines: impl Iterator<Item = &'a str>,
        method: &'static str,
        effects: &Effects,
    ) -> Self {
        Self { span: begun(lines, method, effects), of_listener: true }
    }

    /// That of a request: the listener has put it there, or else it begins here.
    pub(super) fn of<'r>(request: &'r Request<'_>) -> &'r Self {
        request.local_cache(|| {
            let site = request.rocket().state::<Arc<Site>>();
            let effects = site.map_or_else(Effects::system, |site| site.app.effects.clone());
            let lines = request.headers().get(TRACEPARENT);
            Self { span: begun(lines, request.method().as_str(), &effects), of_listener: false }
        })
    }

    /// Its id.
    pub(super) fn id(&self) -> RequestId {
        self.span.id()
    }
}

fn begun<'a>(
    mut lines: impl Iterator<Item = &'a str>,
    method: &'static str,
    effects: &Effects,
) -> Arc<RequestSpan> {
    let named = match (lines.next(), lines.next()) {
        (Some(line), None) => RequestId::of_trace(line),
        _ => None,
    };
    let id = named.unwrap_or_else(|| RequestId::from_bytes(effects.label()));
    Arc::new(RequestSpan::new(id, method))
}

/// The id in each answer that does not go through the listener.
pub(super) struct Ids;

#[rocket::async_trait]
impl Fairing for Ids {
    fn info(&self) -> Info {
        Info { name: "request ids", kind: Kind::Response }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        let traced = Traced::of(request);
        if !traced.of_listener {
            response.set_header(Header::new(REQUEST_ID, traced.id().to_string()));
        }
    }
}

/// A route whose requests are told to have met it, before its guards are asked.
#[derive(Clone)]
struct TracedHandler(Box<dyn Handler>);

#[rocket::async_trait]
impl Handler for TracedHandler {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        if let Some(route) = request.route() {
            let (route, path) = (route.uri.path(), request.uri().path());
            // What is no slug is told by nobody.
            Traced::of(request).span.meets(route, || tenant_in(route, &path)?.parse().ok());
        }
        self.0.handle(request, data).await
    }
}

/// Routes whose requests are told to have met them.
pub(super) fn traced(routes: Vec<Route>) -> Vec<Route> {
    let traced = |mut route: Route| {
        route.handler = Box::new(TracedHandler(route.handler));
        route
    };
    routes.into_iter().map(traced).collect()
}
