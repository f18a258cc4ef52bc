//! An API behind the guard, with Rocket.

use std::net::SocketAddr;

use portcullis_guard::{Feed, Guard, Refusal, WhenBehind, rocket::Authorized, scope};
use rocket::{State, get, http::ContentType, routes};
use serde_json::json;

scope!(ReadReports = "reports.read");

#[get("/reports")]
fn reports(token: Result<Authorized<ReadReports>, Refusal>) -> Result<String, Refusal> {
    Ok(format!("the reports of {}", token?.subject()))
}

#[get("/me")]
fn me(token: Result<Authorized, Refusal>) -> Result<(ContentType, String), Refusal> {
    let token = token?;
    let me = json!({ "sub": token.subject(), "tenant": token.tenant() });
    Ok((ContentType::JSON, me.to_string()))
}

#[get("/transfer")]
fn transfer(
    guard: &State<Guard>,
    token: Result<Authorized, Refusal>,
) -> Result<&'static str, Refusal> {
    token?.require_authentication(&["gold"], Some(300), guard.clock())?;
    Ok("transferred")
}

#[get("/figures")]
fn figures(guard: &State<Guard>) -> (ContentType, String) {
    (ContentType::JSON, json!(guard.figures()).to_string())
}

#[rocket::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let setting = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
    let when_behind = setting("WHEN_BEHIND").map_or(Ok(WhenBehind::Refuse), |it| it.parse())?;
    let feed = Feed::as_client(setting("CLIENT_ID")?, setting("CLIENT_SECRET")?);
    let guard = Guard::for_audience(setting("AUDIENCE")?)
        .issuer(setting("ISSUER")?)
        .follow(feed.when_behind(when_behind))
        .build()?;
    let listen: SocketAddr = setting("LISTEN")?.parse()?;
    let config = rocket::Config { address: listen.ip(), port: listen.port(), ..Default::default() };
    let api = rocket::custom(config).manage(guard);
    api.mount("/", routes![reports, me, transfer, figures]).launch().await?;
    Ok(())
}
