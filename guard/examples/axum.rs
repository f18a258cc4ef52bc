//! An API behind the guard, with axum.

use axum::{Router, routing::get};
use portcullis_guard::{Feed, Guard, axum::Authorized, scope};

scope!(ReadReports = "reports.read");

async fn reports(token: Authorized<ReadReports>) -> String {
    format!("the reports of {}", token.subject())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let setting = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
    let guard = Guard::for_audience(setting("AUDIENCE")?)
        .issuer(setting("ISSUER")?)
        .follow(Feed::as_client(setting("CLIENT_ID")?, setting("CLIENT_SECRET")?))
        .build()?;
    let api = Router::new().route("/reports", get(reports)).with_state(guard);
    let listener = tokio::net::TcpListener::bind(setting("LISTEN")?).await?;
    Ok(axum::serve(listener, api).await?)
}
