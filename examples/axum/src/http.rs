//! HTTP as the library for OpenID Connect wants it.

use std::{pin::Pin, time::Duration};

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};

/// How long an answer may take.
const WITHIN: Duration = Duration::from_secs(10);

/// A client that follows no redirect: one could lead from the issuer to anywhere.
#[derive(Clone)]
pub struct Http(pub reqwest::Client);

impl Http {
    /// Makes it.
    ///
    /// # Errors
    /// The machine's certificates cannot be read.
    pub fn new() -> reqwest::Result<Self> {
        let none = reqwest::redirect::Policy::none();
        reqwest::Client::builder().redirect(none).timeout(WITHIN).build().map(Self)
    }

    async fn send(self, request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
        let answer = self.0.execute(request.try_into()?).await?;
        let mut response = HttpResponse::new(Vec::new());
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        *response.body_mut() = answer.bytes().await?.to_vec();
        Ok(response)
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = reqwest::Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, reqwest::Error>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.clone().send(request))
    }
}
