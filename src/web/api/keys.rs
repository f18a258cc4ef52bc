//! `/api/v1/tenants/{slug}/keys`. No call reads a private key: there is none.

use rocket::{get, post};

use super::{Called, permit};
use crate::{
    admin::{self, Ending, KeyView, Listed},
    web::{
        Site,
        answers::{Json, Problem},
    },
};

/// Lists the tenant's signing keys, their public halves.
#[utoipa::path(context_path = "/api", tag = "keys", params(("slug" = String, Path)),
    responses((status = 200, body = Listed<KeyView>), (status = 404, body = Problem)))]
#[get("/v1/tenants/<slug>/keys")]
pub(super) async fn list(
    site: &Site,
    caller: Called,
    slug: &str,
) -> Result<Json<Listed<KeyView>>, Problem> {
    let permit = permit(site, caller, slug).await?;
    let items = admin::list_keys(&site.admin(), &permit).await?;
    Ok(Json(Listed { items, next: None }))
}

/// Lets the next key sign and publishes a new one after it.
#[utoipa::path(context_path = "/api", tag = "keys", params(("slug" = String, Path)),
    responses((status = 200, body = Listed<KeyView>), (status = 409, body = Problem)))]
#[post("/v1/tenants/<slug>/keys/rotate")]
pub(super) async fn rotate(
    site: &Site,
    caller: Called,
    slug: &str,
) -> Result<Json<Listed<KeyView>>, Problem> {
    let permit = permit(site, caller, slug).await?;
    let items = admin::rotate_keys(&site.admin(), &permit).await?;
    Ok(Json(Listed { items, next: None }))
}

/// Withdraws a key that has leaked: every token that it signed is refused, and another key signs
/// in its place where it was to.
#[utoipa::path(context_path = "/api", tag = "keys", params(("slug" = String, Path), ("kid" = String, Path)),
    responses((status = 200, body = Ending), (status = 404, body = Problem)))]
#[post("/v1/tenants/<slug>/keys/<kid>/withdraw")]
pub(super) async fn withdraw(
    site: &Site,
    caller: Called,
    slug: &str,
    kid: &str,
) -> Result<Json<Ending>, Problem> {
    let permit = permit(site, caller, slug).await?;
    Ok(Json(admin::withdraw_key(&site.admin(), &permit, kid).await?))
}
