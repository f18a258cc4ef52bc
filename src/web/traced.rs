//! A request as answers, log and trail tell of it: by an id, the route that it has met, and its tenant.
//!
//! The id is the trace id of W3C Trace Context, so that a request can be followed through what stands in
//! front of this server.

use std::sync::{Arc, OnceLock};

use rocket::{
    Data, Request, Response, Route,
    fairing::{Fairing, Info, Kind},
    http::{Header, uri::Path},
    route::{Handler, Outcome},
};
use tracing::{Span, field::Empty};

use super::{Site, routes::tenant_in};
use crate::{
    domain::{RequestId, Slug},
    effects::Effects,
};

/// The header in which a request names its trace.
pub(super) const TRACEPARENT: &str = "traceparent";

/// The header in which its answer bears its id.
pub(super) const REQUEST_ID: &str = "x-request-id";

/// What is told of one request.
pub(super) struct Traced {
    id: RequestId,
    met: OnceLock<Met>,
}

/// What its route says of it.
struct Met {
    route: String,
    tenant: Option<Slug>,
}

impl Traced {
    /// A request with these lines of `traceparent`: of the trace that they name, where it is one and valid,
    /// or else with a new id.
    pub(super) fn named_by<'a>(
        mut lines: impl Iterator<Item = &'a str>,
        effects: &Effects,
    ) -> Self {
        let named = match (lines.next(), lines.next()) {
            (Some(line), None) => RequestId::of_trace(line),
            _ => None,
        };
        let id = named.unwrap_or_else(|| RequestId::from_bytes(effects.label()));
        Self { id, met: OnceLock::new() }
    }

    /// That of a request: the listener has put it there, or else it begins here.
    pub(super) fn of<'r>(request: &'r Request<'_>) -> &'r Arc<Self> {
        request.local_cache(|| {
            let site = request.rocket().state::<Arc<Site>>();
            let effects = site.map_or_else(Effects::system, |site| site.app.effects.clone());
            Arc::new(Self::named_by(request.headers().get(TRACEPARENT), &effects))
        })
    }

    /// Its id.
    pub(super) fn id(&self) -> RequestId {
        self.id
    }

    /// What every line of the log bears that is written on its way. Of the highest level: whichever
    /// lines a filter keeps, they bear it.
    pub(super) fn span(&self, method: &str) -> Span {
        tracing::error_span!("request", request_id = %self.id, method, route = Empty, tenant = Empty, client = Empty)
    }

    /// The pattern of its route; what was asked for holds secrets, and is whatever a stranger wrote.
    pub(super) fn route(&self) -> Option<&str> {
        self.met.get().map(|met| met.route.as_str())
    }

    /// The tenant that its address names, whether there is one or not.
    pub(super) fn tenant(&self) -> Option<&str> {
        self.met.get().and_then(|met| met.tenant.as_ref()).map(Slug::as_str)
    }

    fn meets(&self, route: &Route, path: &Path<'_>) {
        self.met.get_or_init(|| {
            let route = route.uri.path();
            // What is no slug is told by nobody.
            let tenant = tenant_in(route, path).and_then(|slug| slug.parse::<Slug>().ok());
            let named = tenant.as_ref().map(Slug::as_str);
            tracing::record_all!(Span::current(), route = route, tenant = named);
            Met { route: route.to_owned(), tenant }
        });
    }
}

/// The id in each answer.
pub(super) struct Ids;

#[rocket::async_trait]
impl Fairing for Ids {
    fn info(&self) -> Info {
        Info { name: "request ids", kind: Kind::Response }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        response.set_header(Header::new(REQUEST_ID, Traced::of(request).id.to_string()));
    }
}

/// A route whose requests are told to have met it, before its guards are asked.
#[derive(Clone)]
struct TracedHandler(Box<dyn Handler>);

#[rocket::async_trait]
impl Handler for TracedHandler {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        if let Some(route) = request.route() {
            Traced::of(request).meets(route, &request.uri().path());
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
