//! A layer for tower: what is behind it is called with a good token alone.
//!
//! ```no_run
//! use portcullis_guard::{Guard, tower::{RequireToken, principal}};
//! use tower::{Layer as _, service_fn};
//!
//! # fn example(guard: Guard) {
//! let reports = service_fn(|request: http::Request<String>| async move {
//!     let name = principal(&request).map_or("nobody", |principal| principal.subject());
//!     Ok::<_, std::convert::Infallible>(http::Response::new(format!("the reports of {name}")))
//! });
//! let service = RequireToken::of(guard).with_scope(&["reports.read"]).layer(reports);
//! # drop(service); }
//! ```

use std::{
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{HeaderMap, Request, Response, header};
use tower_layer::Layer;
use tower_service::Service;

use crate::{Guard, Principal, Refusal, authorized::Authorized};

/// Lets requests pass that have a good token, and answers the others.
#[derive(Debug, Clone)]
pub struct RequireToken {
    guard: Guard,
    scope: &'static [&'static str],
}

impl RequireToken {
    /// Any good token will do.
    pub fn of(guard: Guard) -> Self {
        Self { guard, scope: &[] }
    }

    /// Its scope must hold all of these.
    #[must_use]
    pub fn with_scope(self, scope: &'static [&'static str]) -> Self {
        Self { scope, ..self }
    }

    async fn admit(&self, headers: &HeaderMap) -> Result<Arc<Principal>, Refusal> {
        let lines = headers.get_all(header::AUTHORIZATION).iter();
        let lines = lines.map(|line| line.to_str().ok());
        let token = Authorized::<()>::by(&self.guard, lines).await?;
        token.require(self.scope)?;
        Ok(token.principal)
    }
}

/// Whom a request speaks for that has passed.
pub fn principal<B>(request: &Request<B>) -> Option<&Principal> {
    request.extensions().get::<Arc<Principal>>().map(Arc::as_ref)
}

impl<S> Layer<S> for RequireToken {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { inner, rule: self.clone() }
    }
}

/// A service behind the guard.
#[derive(Debug, Clone)]
pub struct Guarded<S> {
    inner: S,
    rule: RequireToken,
}

impl<S, A, B> Service<Request<A>> for Guarded<S>
where
    S: Service<Request<A>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    A: Send + 'static,
    B: Default,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<B>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<A>) -> Self::Future {
        let next = self.inner.clone();
        // The one that was found ready is the one that is called.
        let (mut inner, rule) = (mem::replace(&mut self.inner, next), self.rule.clone());
        Box::pin(async move {
            match rule.admit(request.headers()).await {
                Ok(principal) => {
                    request.extensions_mut().insert(principal);
                    inner.call(request).await
                }
                Err(refusal) => Ok(refusal.answer()),
            }
        })
    }
}
