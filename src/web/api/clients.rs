//! `/api/v1/tenants/{slug}/clients`.

use rocket::{delete, get, http::Status, patch, post, response::status::Created};

use super::{Called, Problem, admin_of, permit, run};
use crate::{
    admin::{self, ClientInput, ClientView, CreatedClient, CreatedSecret, Level, Listed},
    protocol::OauthError,
    web::{
        Site,
        guards::{JsonBody, Shared},
        respond::Json,
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
    limit: Option<i64>,
    after: Option<&str>,
) -> Result<Json<Listed<ClientView>>, Problem> {
    let permit = permit(site, caller, slug, Level::Read).await?;
    Ok(Json(admin::list_clients(&admin_of(site), &permit, after.unwrap_or_default(), limit).await?))
}

/// Registers a client. A secret that the server made is told in this answer alone.
#[utoipa::path(context_path = "/api", tag = "clients", params(("slug" = String, Path)),
    request_body = super::openapi::ClientFields,
    responses((status = 201, body = CreatedClient), (status = 400, body = Problem), (status = 409, body = Problem)))]
#[post("/v1/tenants/<slug>/clients", data = "<body>")]
pub(super) async fn create(
    site: Shared,
    caller: Called,
    slug: &str,
    body: Result<JsonBody, OauthError>,
) -> Result<Created<Json<CreatedClient>>, Problem> {
    let permit = permit(&site.0, caller, slug, Level::Write).await?;
    let input = ClientInput::from_value(body?.0).map_err(admin::AdminError::from)?;
    let made = run(async move { admin::create_client(&admin_of(&site.0), &permit, input).await }).await?;
    let location = format!("/api/v1/tenants/{slug}/clients/{}", made.client.client_id);
    Ok(Created::new(location).body(Json(made)))
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
) -> Result<Json<ClientView>, Problem> {
    let permit = permit(site, caller, slug, Level::Read).await?;
    let client = admin::show_client(&admin_of(site), &permit, client_id).await?;
    Ok(Json(ClientView::from(&client)))
}

/// Changes a client by JSON Merge Patch (RFC 7396); the whole registration is checked again.
#[utoipa::path(context_path = "/api", tag = "clients", params(("slug" = String, Path), ("client_id" = String, Path)),
    request_body = super::openapi::ClientFields,
    responses((status = 200, body = ClientView), (status = 400, body = Problem), (status = 404, body = Problem)))]
#[patch("/v1/tenants/<slug>/clients/<client_id>", data = "<body>")]
pub(super) async fn update(
    site: Shared,
    caller: Called,
    slug: &str,
    client_id: &str,
    body: Result<JsonBody, OauthError>,
) -> Result<Json<ClientView>, Problem> {
    let permit = permit(&site.0, caller, slug, Level::Write).await?;
    let (patch, client_id) = (body?.0, client_id.to_owned());
    let client = run(async move { admin::update_client(&admin_of(&site.0), &permit, &client_id, patch).await });
    Ok(Json(ClientView::from(&client.await?)))
}

/// Deletes a client; its token families end and its access tokens are refused.
#[utoipa::path(context_path = "/api", tag = "clients", params(("slug" = String, Path), ("client_id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
#[delete("/v1/tenants/<slug>/clients/<client_id>")]
pub(super) async fn delete(site: Shared, caller: Called, slug: &str, client_id: &str) -> Result<Status, Problem> {
    let permit = permit(&site.0, caller, slug, Level::Write).await?;
    let client_id = client_id.to_owned();
    run(async move { admin::delete_client(&admin_of(&site.0), &permit, &client_id).await }).await?;
    Ok(Status::NoContent)
}

/// Makes a new secret, told in this answer alone; the others stay good for a day.
#[utoipa::path(context_path = "/api", tag = "clients", params(("slug" = String, Path), ("client_id" = String, Path)),
    responses((status = 201, body = CreatedSecret), (status = 400, body = Problem), (status = 404, body = Problem)))]
#[post("/v1/tenants/<slug>/clients/<client_id>/secrets")]
pub(super) async fn create_secret(
    site: Shared,
    caller: Called,
    slug: &str,
    client_id: &str,
) -> Result<Created<Json<CreatedSecret>>, Problem> {
    let permit = permit(&site.0, caller, slug, Level::Write).await?;
    let location = format!("/api/v1/tenants/{slug}/clients/{client_id}");
    let client_id = client_id.to_owned();
    let made = run(async move { admin::create_secret(&admin_of(&site.0), &permit, &client_id).await }).await?;
    Ok(Created::new(location).body(Json(made)))
}

/// Removes a secret at once.
#[utoipa::path(context_path = "/api", tag = "clients", params(("slug" = String, Path), ("client_id" = String, Path),
    ("id" = String, Path)), responses((status = 204), (status = 404, body = Problem)))]
#[delete("/v1/tenants/<slug>/clients/<client_id>/secrets/<id>")]
pub(super) async fn delete_secret(
    site: Shared,
    caller: Called,
    slug: &str,
    client_id: &str,
    id: &str,
) -> Result<Status, Problem> {
    let permit = permit(&site.0, caller, slug, Level::Write).await?;
    let (client_id, id) = (client_id.to_owned(), id.to_owned());
    run(async move { admin::delete_secret(&admin_of(&site.0), &permit, &client_id, &id).await }).await?;
    Ok(Status::NoContent)
}
