//! `portcullis health`: what a container asks itself.

use serde_json::Value;

use super::{Done, Failure, output::Out};
use crate::{
    config::Config,
    outside::{HttpClient, Request},
};

pub(super) async fn run(config: &Config, out: Out) -> Done {
    let at = config.management_address;
    // What listens everywhere is found on this machine.
    let host = match at.ip() {
        ip if ip.is_unspecified() => "127.0.0.1".to_owned(),
        ip if ip.is_ipv6() => format!("[{ip}]"),
        ip => ip.to_string(),
    };
    let request = Request::get(format!("http://{host}:{}/readyz", at.port())).body(Vec::new())?;
    let answer = HttpClient::new().send(request).await?;
    let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    if answer.status().is_success() {
        return out.told("ready", &body);
    }
    Err(Failure(format!("not ready: {}", body.get("parts").unwrap_or(&body))))
}
