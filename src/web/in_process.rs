//! The admin API without a network: the command line asks it what it asks a server.

use std::sync::Arc;

use rocket::{
    http::{ContentType, Method},
    local::asynchronous::Client,
};
use serde_json::Value;

use super::{Site, api, catchers};
use crate::admin::Authority;

/// The admin API without a network.
pub(crate) struct Api(Client);

impl Api {
    /// Mounts it over a site.
    ///
    /// # Errors
    /// What Rocket says of itself.
    pub(crate) async fn over(site: Arc<Site>) -> Result<Self, String> {
        let config = rocket::Config {
            log_level: rocket::config::LogLevel::Off,
            ..rocket::Config::default()
        };
        let rocket = rocket::custom(config)
            .manage(site)
            .mount("/api", api::routes())
            .register("/", catchers::all());
        Client::untracked(rocket).await.map(Self).map_err(|why| why.to_string())
    }

    /// Makes a call for whoever has a shell on the server; answers status and body.
    ///
    /// # Errors
    /// An answer that is no text.
    pub(crate) async fn call(
        &self,
        authority: Authority,
        method: &crate::outside::Method,
        at: &str,
        body: Option<&Value>,
    ) -> Result<(u16, String), String> {
        let method: Method = method.as_str().parse().map_err(|_| format!("no method: {method}"))?;
        let mut request = self.0.req(method, at.to_owned());
        api::speak_for(request.inner(), authority);
        if let Some(body) = body {
            request = request.header(ContentType::JSON).body(body.to_string());
        }
        let response = request.dispatch().await;
        let status = response.status().code;
        let body = response.into_bytes().await.unwrap_or_default();
        String::from_utf8(body).map(|body| (status, body)).map_err(|why| why.to_string())
    }
}
