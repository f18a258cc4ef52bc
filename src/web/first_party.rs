//! The first-party JSON sign-in, under `/t/{slug}/auth/`.

use std::sync::Arc;

use rocket::{
    Route, get,
    http::{CookieJar, Status},
    post,
    response::status::NoContent,
    routes,
};
use secrecy::SecretString;
use serde::Deserialize;

use super::{
    answers::{Json, WithStatus},
    cookies,
    guards::{Addressed, Bearer, JsonBody, NoTenant, Peer, Shared},
    uncut,
};
use crate::{
    oauth::{Cx, first_party},
    protocol::{ErrorCode, OauthError, TokenResponse},
};

pub(super) fn routes() -> Vec<Route> {
    routes![login, refresh, logout, me]
}

#[derive(Deserialize)]
struct Credentials {
    username: String,
    password: SecretString,
    client_id: String,
}

/// `invalid_grant` under the status that this address promises; everything else under its own.
fn graded(error: OauthError, refused: Status) -> WithStatus {
    let status = match error.code {
        ErrorCode::InvalidGrant => refused,
        _ => error.status(),
    };
    WithStatus(status, error)
}

fn unavailable<T>() -> Result<T, OauthError> {
    Err(OauthError::unavailable())
}

#[post("/<_>/auth/login", data = "<body>")]
async fn login(
    site: Shared,
    tenant: Result<Addressed, NoTenant>,
    from: Peer,
    body: Result<JsonBody, OauthError>,
    jar: &CookieJar<'_>,
) -> Result<Json<TokenResponse>, WithStatus> {
    let work = async {
        let tenant = tenant?;
        let (shown, home) = (Arc::clone(&site.0), Arc::clone(&tenant));
        let credentials: Credentials = serde_json::from_value(body?.0)
            .map_err(|_| OauthError::invalid_request("username, password and client_id are needed, as strings"))?;
        let done = uncut(async move {
            let cx = Cx::new(&site.0.app, &tenant, &from.0);
            let Credentials { username, password, client_id } = credentials;
            first_party::login(&cx, &client_id, &username, &password, &*site.0.accounts).await
        });
        let (user, tokens) = done.await.unwrap_or_else(unavailable)?;
        // Whoever keeps cookies is known again, whatever strangers do.
        jar.add(cookies::device(&shown.app.config, &home, shown.accounts.device_token(&home, &user)));
        Ok(tokens)
    };
    work.await.map(Json).map_err(|error| graded(error, Status::Unauthorized))
}

#[post("/<_>/auth/refresh")]
async fn refresh(
    site: Shared,
    tenant: Result<Addressed, NoTenant>,
    from: Peer,
    bearer: Result<Bearer, OauthError>,
) -> Result<Json<TokenResponse>, WithStatus> {
    let work = async {
        let (tenant, bearer) = (tenant?, bearer);
        let bearer = bearer.map_err(|_| OauthError::invalid_grant().because("no bearer token"))?;
        let done = uncut(async move {
            let cx = Cx::new(&site.0.app, &tenant, &from.0);
            first_party::refresh(&cx, &bearer.0).await
        });
        done.await.unwrap_or_else(unavailable)
    };
    work.await.map(Json).map_err(|error| graded(error, Status::Forbidden))
}

#[post("/<_>/auth/logout")]
async fn logout(
    site: Shared,
    tenant: Result<Addressed, NoTenant>,
    from: Peer,
    bearer: Result<Bearer, OauthError>,
) -> Result<NoContent, OauthError> {
    let (tenant, bearer) = (tenant?, bearer?);
    let done = uncut(async move {
        let cx = Cx::new(&site.0.app, &tenant, &from.0);
        first_party::logout(&cx, &bearer.0).await
    });
    done.await.unwrap_or_else(unavailable).map(|()| NoContent)
}

#[get("/<_>/auth/me")]
async fn me(
    site: Shared,
    tenant: Result<Addressed, NoTenant>,
    from: Peer,
    bearer: Result<Bearer, OauthError>,
) -> Result<Json<first_party::Me>, OauthError> {
    let (tenant, bearer) = (tenant?, bearer?);
    first_party::me(&Cx::new(&site.0.app, &tenant, &from.0), &bearer.0).await.map(Json)
}
