//! `/api/v1/tenants`.

use rocket::{delete, get, http::Status, patch, post};

use super::{Called, asked, permit};
use crate::{
    admin::{self, Action, Listed, TenantInput, TenantView},
    protocol::OauthError,
    web::{
        Site,
        answers::{Json, Problem, Versioned},
        guards::{IfMatch, JsonBody, strict},
    },
};

/// Lists tenants, by slug. For operators.
#[utoipa::path(context_path = "/api", tag = "tenants", params(
    ("limit" = Option<i64>, Query, description = "Items on a page, 200 at most"),
    ("after" = Option<String>, Query, description = "The `next` of the page before")),
    responses((status = 200, body = Listed<TenantView>), (status = 403, body = Problem)))]
#[get("/v1/tenants?<limit>&<after>")]
pub(super) async fn list(
    site: &Site,
    caller: Called,
    limit: Option<&str>,
    after: Option<&str>,
) -> Result<Json<Listed<TenantView>>, Problem> {
    let everywhere = caller?.everywhere(Action::ReadInstallation)?;
    let listed = admin::list_tenants(
        &site.admin(),
        &everywhere,
        after.unwrap_or_default(),
        asked(strict::limit(limit))?,
    )
    .await?;
    Ok(Json(listed))
}

/// Makes a tenant, with its signing keys. For operators.
#[utoipa::path(context_path = "/api", tag = "tenants", request_body = TenantInput,
    responses((status = 201, body = TenantView), (status = 400, body = Problem), (status = 409, body = Problem)))]
#[post("/v1/tenants", data = "<body>")]
pub(super) async fn create(
    site: &Site,
    caller: Called,
    body: Result<JsonBody, OauthError>,
) -> Result<Versioned<TenantView>, Problem> {
    let everywhere = caller?.everywhere(Action::OperateInstallation)?;
    let input = admin::read_input(&body?.0)?;
    let tenant = admin::create_tenant(&site.admin(), &everywhere, input).await?;
    let (view, version) = (TenantView::of(&tenant, site.app.issuer(&tenant)), tenant.version);
    Ok(Versioned::made(format!("/api/v1/tenants/{}", view.slug), view, version))
}

/// Shows a tenant.
#[utoipa::path(context_path = "/api", tag = "tenants", params(("slug" = String, Path)),
    responses((status = 200, body = TenantView), (status = 404, body = Problem)))]
#[get("/v1/tenants/<slug>")]
pub(super) async fn show(
    site: &Site,
    caller: Called,
    slug: &str,
) -> Result<Versioned<TenantView>, Problem> {
    let permit = permit(site, caller, slug).await?;
    let tenant = admin::show_tenant(&site.admin(), &permit).await?;
    let version = tenant.version;
    Ok(Versioned::of(TenantView::of(&tenant, site.app.issuer(&tenant)), version))
}

/// Changes a tenant by JSON Merge Patch (RFC 7396), all of it or nothing. `status` is set by an
/// operator alone. `If-Match` makes it hold for the version it was read in.
#[utoipa::path(context_path = "/api", tag = "tenants", params(("slug" = String, Path),
    ("If-Match" = Option<String>, Header, description = "The `ETag` it was read with")),
    request_body = TenantInput,
    responses((status = 200, body = TenantView), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 412, body = Problem)))]
#[patch("/v1/tenants/<slug>", data = "<body>")]
pub(super) async fn update(
    site: &Site,
    caller: Called,
    slug: &str,
    seen: IfMatch,
    body: Result<JsonBody, OauthError>,
) -> Result<Versioned<TenantView>, Problem> {
    let permit = permit(site, caller, slug).await?;
    let tenant = admin::update_tenant(&site.admin(), &permit, body?.0, &seen.0).await?;
    Ok(Versioned::of(TenantView::of(&tenant, site.app.issuer(&tenant)), tenant.version))
}

/// Suspends a tenant; with `purge`, deletes a suspended one and everything in it. For operators.
#[utoipa::path(context_path = "/api", tag = "tenants", params(
    ("slug" = String, Path), ("purge" = Option<bool>, Query, description = "Delete it for good")),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
#[delete("/v1/tenants/<slug>?<purge>")]
pub(super) async fn delete(
    site: &Site,
    caller: Called,
    slug: &str,
    purge: Option<&str>,
    seen: IfMatch,
) -> Result<Status, Problem> {
    let permit = permit(site, caller, slug).await?;
    let purge = asked(strict::flag("purge", purge))?;
    let everywhere = permit.authority().everywhere(Action::OperateInstallation)?;
    let admin = site.admin();
    if purge {
        admin::delete_tenant(&admin, &everywhere, permit.tenant(), &seen.0).await?;
    } else {
        admin::suspend_tenant(&admin, &permit, &seen.0).await?;
    }
    Ok(Status::NoContent)
}
