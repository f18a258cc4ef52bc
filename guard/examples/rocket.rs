//! An API behind the guard, with Rocket.

use portcullis_guard::{Feed, Guard, Refusal, rocket::Authorized, scope};
use rocket::{get, routes};

scope!(ReadReports = "reports.read");

#[get("/reports")]
fn reports(token: Result<Authorized<ReadReports>, Refusal>) -> Result<String, Refusal> {
    Ok(format!("the reports of {}", token?.subject()))
}

#[rocket::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let setting = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
    let guard = Guard::for_audience(setting("AUDIENCE")?)
        .issuer(setting("ISSUER")?)
        .follow(Feed::as_client(setting("CLIENT_ID")?, setting("CLIENT_SECRET")?))
        .build()?;
    rocket::build().manage(guard).mount("/", routes![reports]).launch().await?;
    Ok(())
}
