//! The first-party JSON sign-in, under `/t/{slug}/auth/`.

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
    Site,
    answers::{Json, WithStatus},
    cookies,
    guards::{Addressed, Bearer, JsonBody, NoTenant, Peer},
};
use crate::{
    domain::GrantType,
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
fn with_status_of_login(error: OauthError, refused: Status) -> WithStatus {
    let status = match error.code {
        ErrorCode::InvalidGrant => refused,
        _ => error.status(),
    };
    WithStatus(status, error)
}

fn count(site: &Site, grant: GrantType, answer: &Result<TokenResponse, OauthError>) {
    site.metrics.token_answered(grant.as_str(), answer.as_ref().err().map(|error| error.code));
}

#[post("/<_>/auth/login", data = "<body>")]
async fn login(
    site: &Site,
    tenant: Result<Addressed, NoTenant>,
    from: Peer,
    body: Result<JsonBody, OauthError>,
    jar: &CookieJar<'_>,
) -> Result<Json<TokenResponse>, WithStatus> {
    let work = async {
        let tenant = tenant?;
        let credentials: Credentials = serde_json::from_value(body?.0).map_err(|_| {
            OauthError::invalid_request("username, password and client_id are needed, as strings")
        })?;
        let cx = Cx::new(&site.app, &tenant, &from.0);
        let Credentials { username, password, client_id } = credentials;
        let (user, tokens) =
            first_party::login(&cx, &client_id, &username, &password, &site.accounts).await?;
        // Whoever keeps cookies is known again, whatever strangers do.
        jar.add(cookies::device(
            &site.app.config,
            &tenant,
            site.accounts.device_token(&tenant, &user),
        ));
        Ok(tokens)
    };
    let answer = work.await;
    count(site, GrantType::Password, &answer);
    answer.map(Json).map_err(|error| with_status_of_login(error, Status::Unauthorized))
}

#[post("/<_>/auth/refresh")]
async fn refresh(
    site: &Site,
    tenant: Result<Addressed, NoTenant>,
    from: Peer,
    bearer: Result<Bearer, OauthError>,
) -> Result<Json<TokenResponse>, WithStatus> {
    let work = async {
        let (tenant, bearer) = (tenant?, bearer);
        let bearer = bearer.map_err(|_| OauthError::invalid_grant().because("no bearer token"))?;
        first_party::refresh(&Cx::new(&site.app, &tenant, &from.0), &bearer.0).await
    };
    let answer = work.await;
    count(site, GrantType::RefreshToken, &answer);
    answer.map(Json).map_err(|error| with_status_of_login(error, Status::Forbidden))
}

#[post("/<_>/auth/logout")]
async fn logout(
    site: &Site,
    tenant: Result<Addressed, NoTenant>,
    from: Peer,
    bearer: Result<Bearer, OauthError>,
) -> Result<NoContent, OauthError> {
    let (tenant, bearer) = (tenant?, bearer?);
    first_party::logout(&Cx::new(&site.app, &tenant, &from.0), &bearer.0).await.map(|()| NoContent)
}

#[get("/<_>/auth/me")]
async fn me(
    site: &Site,
    tenant: Result<Addressed, NoTenant>,
    from: Peer,
    bearer: Result<Bearer, OauthError>,
) -> Result<Json<first_party::Me>, OauthError> {
    let (tenant, bearer) = (tenant?, bearer?);
    first_party::me(&Cx::new(&site.app, &tenant, &from.0), &bearer.0).await.map(Json)
}
