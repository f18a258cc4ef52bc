//! An API behind the guard, with axum.

use axum::{Json, Router, extract::State, routing::get};
use portcullis_guard::{Feed, Figures, Guard, Refusal, WhenBehind, axum::Authorized, scope};
use serde_json::{Value, json};

scope!(ReadReports = "reports.read");

async fn reports(token: Authorized<ReadReports>) -> String {
    format!("the reports of {}", token.subject())
}

async fn me(token: Authorized) -> Json<Value> {
    Json(json!({ "sub": token.subject(), "tenant": token.tenant() }))
}

async fn transfer(State(guard): State<Guard>, token: Authorized) -> Result<&'static str, Refusal> {
    token.require_authentication(&["gold"], Some(300), guard.clock())?;
    Ok("transferred")
}

async fn figures(State(guard): State<Guard>) -> Json<Figures> {
    Json(guard.figures())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let setting = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
    let when_behind = setting("WHEN_BEHIND").map_or(Ok(WhenBehind::Refuse), |it| it.parse())?;
    let feed = Feed::as_client(setting("CLIENT_ID")?, setting("CLIENT_SECRET")?);
    let guard = Guard::for_audience(setting("AUDIENCE")?)
        .issuer(setting("ISSUER")?)
        .follow(feed.when_behind(when_behind))
        .build()?;
    let api = Router::new()
        .route("/reports", get(reports))
        .route("/me", get(me))
        .route("/transfer", get(transfer))
        .route("/figures", get(figures))
        .with_state(guard);
    let listener = tokio::net::TcpListener::bind(setting("LISTEN")?).await?;
    Ok(axum::serve(listener, api).await?)
}
