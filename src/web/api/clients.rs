//! `/api/v1/tenants/{slug}/clients`.

use rocket::{
    delete, get,
    http::Status,
    patch, post,
    response::{Responder, status::Created},
};

use super::{Called, asked, permit};
use crate::{
    admin::{self, ClientInput, ClientView, CreatedClient, CreatedSecret, Ending, Listed},
    protocol::OauthError,
    web::{
        Site,
        answers::{Json, Problem, Versioned},
        guards::{IfMatch, JsonBody, strict},
    },
};

/// Lists clients, by identifier, without their secrets' metadata.
#[utoipa::path(context_path = "/api", tag = "clients", params(("slug" = String, Path),
    ("limit" = Option<i64>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = Listed<ClientView>), (status = 404, body = Problem)))]
#[get("/v1/tenants/<slug>/clients?<limit>&<after>")]
pub(super) async fn list(
    site: &Site,
    caller: Called,
    slug: &str,
    limit: Option<&str>,
    after: Option<&str>,
) -> Result<Json<Listed<ClientView>>, Problem> {
    let permit = permit(site, caller, slug).await?;
    Ok(Json(
        admin::list_clients(
            &site.admin(),
            &permit,
            after.unwrap_or_default(),
            asked(strict::limit(limit))?,
        )
        .await?,
    ))
}

/// Registers a client. A secret that the server made is told in this answer alone.
#[utoipa::path(context_path = "/api", tag = "clients", params(("slug" = String, Path)),
    request_body = ClientInput,
    responses((status = 201, body = CreatedClient), (status = 400, body = Problem), (status = 409, body = Problem)))]
#[post("/v1/tenants/<slug>/clients", data = "<body>")]
pub(super) async fn create(
    site: &Site,
    caller: Called,
    slug: &str,
    body: Result<JsonBody, OauthError>,
) -> Result<Versioned<CreatedClient>, Problem> {
    let permit = permit(site, caller, slug).await?;
    let input = ClientInput::from_value(body?.0).map_err(admin::AdminError::from)?;
    let made = admin::create_client(&site.admin(), &permit, input).await?;
    let location = format!("/api/v1/tenants/{slug}/clients/{}", made.client.client_id);
    let version = made.client.version;
    Ok(Versioned::made(location, made, version))
}

/// Shows a client.
#[utoipa::path(context_path = "/api", tag = "clients", params(("slug" = String, Path), ("client_id" = String, Path)),
    responses((status = 200, body = ClientView), (status = 404, body = Problem)))]
#[get("/v1/tenants/<slug>/clients/<client_id>")]
pub(super) async fn show(
    site: &Site,
    caller: Called,
    slug: &str,
    client_id: &str,
) -> Result<Versioned<ClientView>, Problem> {
    let permit = permit(site, caller, slug).await?;
    let client = admin::show_client(&site.admin(), &permit, client_id).await?;
    Ok(Versioned::of(ClientView::from(&client), client.version))
}

/// Changes a client by JSON Merge Patch (RFC 7396); the whole registration is checked again.
/// `If-Match` makes it hold for the version it was read in.
#[utoipa::path(context_path = "/api", tag = "clients", params(("slug" = String, Path), ("client_id" = String, Path),
    ("If-Match" = Option<String>, Header, description = "The `ETag` it was read with")),
    request_body = ClientInput,
    responses((status = 200, body = ClientView), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 412, body = Problem)))]
#[patch("/v1/tenants/<slug>/clients/<client_id>", data = "<body>")]
pub(super) async fn update(
    site: &Site,
    caller: Called,
    slug: &str,
    client_id: &str,
    seen: IfMatch,
    body: Result<JsonBody, OauthError>,
) -> Result<Versioned<ClientView>, Problem> {
    let permit = permit(site, caller, slug).await?;
    let client = admin::update_client(&site.admin(), &permit, client_id, body?.0, &seen.0).await?;
    Ok(Versioned::of(ClientView::from(&client), client.version))
}

/// Deletes a client; its token families end and its access tokens are refused.
#[utoipa::path(context_path = "/api", tag = "clients", params(("slug" = String, Path), ("client_id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
#[delete("/v1/tenants/<slug>/clients/<client_id>")]
pub(super) async fn delete(
    site: &Site,
    caller: Called,
    slug: &str,
    client_id: &str,
    seen: IfMatch,
) -> Result<Status, Problem> {
    let permit = permit(site, caller, slug).await?;
    admin::delete_client(&site.admin(), &permit, client_id, &seen.0).await?;
    Ok(Status::NoContent)
}

/// Makes a new secret, told in this answer alone; the others stay good for a day.
#[utoipa::path(context_path = "/api", tag = "clients", params(("slug" = String, Path), ("client_id" = String, Path)),
    responses((status = 201, body = CreatedSecret), (status = 400, body = Problem), (status = 404, body = Problem)))]
#[post("/v1/tenants/<slug>/clients/<client_id>/secrets")]
pub(super) async fn create_secret(
    site: &Site,
    caller: Called,
    slug: &str,
    client_id: &str,
) -> Result<Created<Json<CreatedSecret>>, Problem> {
    let permit = permit(site, caller, slug).await?;
    let location = format!("/api/v1/tenants/{slug}/clients/{client_id}");
    let made = admin::create_secret(&site.admin(), &permit, client_id).await?;
    Ok(Created::new(location).body(Json(made)))
}

/// What became of a secret: it is gone, and where it had leaked so is everything that its client had.
#[derive(Responder)]
pub(super) enum SecretGone {
    Removed(Status),
    Withdrawn(Json<Ending>),
}

/// Removes a secret at once, which ends its use. With `compromised`, everything that the client
/// has ends with it.
#[utoipa::path(context_path = "/api", tag = "clients", params(("slug" = String, Path), ("client_id" = String, Path),
    ("id" = String, Path), ("compromised" = Option<bool>, Query, description = "It has leaked")),
    responses((status = 200, body = Ending), (status = 204), (status = 404, body = Problem)))]
#[delete("/v1/tenants/<slug>/clients/<client_id>/secrets/<id>?<compromised>")]
pub(super) async fn delete_secret(
    site: &Site,
    caller: Called,
    slug: &str,
    client_id: &str,
    id: &str,
    compromised: Option<&str>,
) -> Result<SecretGone, Problem> {
    let permit = permit(site, caller, slug).await?;
    let compromised = asked(strict::flag("compromised", compromised))?;
    Ok(match admin::delete_secret(&site.admin(), &permit, client_id, id, compromised).await? {
        None => SecretGone::Removed(Status::NoContent),
        Some(ending) => SecretGone::Withdrawn(Json(ending)),
    })
}
