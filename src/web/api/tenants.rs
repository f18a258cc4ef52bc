//! `/api/v1/tenants`.

use rocket::{delete, get, http::Status, patch, post, response::status::Created};

use super::{Called, Problem, admin_of, permit, run};
use crate::{
    admin::{self, Level, Listed, TenantView},
    protocol::OauthError,
    web::{
        Site,
        guards::{JsonBody, Shared},
        respond::Json,
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
    limit: Option<i64>,
    after: Option<&str>,
) -> Result<Json<Listed<TenantView>>, Problem> {
    let everywhere = caller?.everywhere(Level::Read)?;
    let listed = admin::list_tenants(&admin_of(site), &everywhere, after.unwrap_or_default(), limit).await?;
    Ok(Json(listed))
}

/// Makes a tenant, with its signing keys. For operators.
#[utoipa::path(context_path = "/api", tag = "tenants", request_body = super::openapi::TenantFields,
    responses((status = 201, body = TenantView), (status = 400, body = Problem), (status = 409, body = Problem)))]
#[post("/v1/tenants", data = "<body>")]
pub(super) async fn create(
    site: Shared,
    caller: Called,
    body: Result<JsonBody, OauthError>,
) -> Result<Created<Json<TenantView>>, Problem> {
    let everywhere = caller?.everywhere(Level::Write)?;
    let input = admin::read_input(body?.0)?;
    let view = run(async move {
        let tenant = admin::create_tenant(&admin_of(&site.0), &everywhere, input).await?;
        Ok(TenantView::of(&tenant, site.0.app.issuer(&tenant)))
    })
    .await?;
    Ok(Created::new(format!("/api/v1/tenants/{}", view.slug)).body(Json(view)))
}

/// Shows a tenant.
#[utoipa::path(context_path = "/api", tag = "tenants", params(("slug" = String, Path)),
    responses((status = 200, body = TenantView), (status = 404, body = Problem)))]
#[get("/v1/tenants/<slug>")]
pub(super) async fn show(site: &Site, caller: Called, slug: &str) -> Result<Json<TenantView>, Problem> {
    let permit = permit(site, caller, slug, Level::Read).await?;
    Ok(Json(TenantView::of(permit.tenant(), site.app.issuer(permit.tenant()))))
}

/// Changes a tenant by JSON Merge Patch (RFC 7396). `status` is set by an operator alone.
#[utoipa::path(context_path = "/api", tag = "tenants", params(("slug" = String, Path)),
    request_body = super::openapi::TenantFields,
    responses((status = 200, body = TenantView), (status = 400, body = Problem), (status = 404, body = Problem)))]
#[patch("/v1/tenants/<slug>", data = "<body>")]
pub(super) async fn update(
    site: Shared,
    caller: Called,
    slug: &str,
    body: Result<JsonBody, OauthError>,
) -> Result<Json<TenantView>, Problem> {
    let permit = permit(&site.0, caller, slug, Level::Write).await?;
    let mut patch = body?.0;
    let status = patch.as_object_mut().and_then(|members| members.remove("status"));
    let view = run(async move {
        let admin = admin_of(&site.0);
        // Refused as a whole before any of it is done.
        let serves = match status.as_ref().map(|status| status.as_str()) {
            None => None,
            Some(Some("active")) => Some(true),
            Some(Some("suspended")) => Some(false),
            Some(_) => return Err(crate::domain::FieldError::new("status", "active or suspended").into()),
        };
        let everywhere = serves.map(|_| permit.authority().everywhere(Level::Write)).transpose()?;
        let only_status = serves.is_some() && patch.as_object().is_some_and(serde_json::Map::is_empty);
        let changed = match only_status {
            true => permit.tenant().clone(),
            false => admin::update_tenant(&admin, &permit, patch).await?,
        };
        let tenant = match (serves, everywhere) {
            (Some(true), Some(everywhere)) => admin::resume_tenant(&admin, &everywhere, &changed).await?,
            (Some(false), Some(everywhere)) => admin::suspend_tenant(&admin, &everywhere, &changed).await?,
            _ => changed,
        };
        Ok(TenantView::of(&tenant, site.0.app.issuer(&tenant)))
    });
    view.await.map(Json)
}

/// Suspends a tenant; with `purge`, deletes a suspended one and everything in it. For operators.
#[utoipa::path(context_path = "/api", tag = "tenants", params(
    ("slug" = String, Path), ("purge" = Option<bool>, Query, description = "Delete it for good")),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
#[delete("/v1/tenants/<slug>?<purge>")]
pub(super) async fn delete(site: Shared, caller: Called, slug: &str, purge: Option<bool>) -> Result<Status, Problem> {
    let permit = permit(&site.0, caller, slug, Level::Write).await?;
    let everywhere = permit.authority().everywhere(Level::Write)?;
    run(async move {
        let admin = admin_of(&site.0);
        if purge == Some(true) {
            admin::delete_tenant(&admin, &everywhere, permit.tenant()).await
        } else {
            admin::suspend_tenant(&admin, &everywhere, permit.tenant()).await.map(|_| ())
        }
    })
    .await?;
    Ok(Status::NoContent)
}
