//! The layer for tower.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "it may stop where it stands, and nobody builds on it"
)]

mod support;

use std::{convert::Infallible, sync::Arc};

use http::{Request, Response};
use portcullis_guard::{
    Guard,
    tower::{RequireToken, principal},
};
use serde_json::json;
use support::{API, Issuer, StoppedClock};
use tower::{Layer as _, ServiceExt as _, service_fn};

async fn answer(request: Request<String>) -> Result<Response<String>, Infallible> {
    let name = principal(&request).map_or("nobody", |principal| principal.subject());
    Ok(Response::new(name.to_owned()))
}

#[tokio::test]
async fn who_has_a_good_token_passes_and_others_are_answered_by_the_layer() {
    let issuer = Issuer::start().await;
    let clock = Arc::new(StoppedClock);
    let guard = Guard::for_audience(API).issuer(&issuer.url).clock(clock).build().unwrap();
    let layer = RequireToken::of(guard).with_scope(&["reports.read"]);
    let ask = async |lines: &[String]| {
        let mut request = Request::builder();
        for line in lines {
            request = request.header("Authorization", line);
        }
        let request = request.body(String::new()).unwrap();
        layer.layer(service_fn(answer)).oneshot(request).await.unwrap()
    };
    let bearer = |changes| format!("Bearer {}", issuer.token(&changes));
    let good = ask(&[bearer(json!({ "scope": "reports.read" }))]).await;
    assert_eq!((good.status().as_u16(), good.body().as_str()), (200, "ada"));
    for (lines, status, challenge) in [
        (vec![], 401, "Bearer"),
        (vec!["Bearer a.b.c".to_owned()], 401, "Bearer error=\"invalid_token\""),
        (vec![bearer(json!({ "scope": "other" }))], 403, "Bearer error=\"insufficient_scope\""),
        (vec![bearer(json!({})), bearer(json!({}))], 400, "Bearer error=\"invalid_request\""),
    ] {
        let refused = ask(&lines).await;
        assert_eq!((refused.status().as_u16(), refused.body().as_str()), (status, ""));
        let said = refused.headers()["WWW-Authenticate"].to_str().unwrap();
        assert!(said.starts_with(challenge), "{said}");
    }
}
