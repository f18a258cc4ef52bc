//! `/api/v1/tenants/{slug}/users/{id}/consents`.

use rocket::{delete, get};

use super::{Called, asked, permit};
use crate::{
    admin::{self, ConsentView, Ending, Listed},
    web::{
        Site,
        answers::{Json, Problem},
        guards::strict,
    },
};

/// Lists what a user has allowed clients, by the clients' names.
#[utoipa::path(context_path = "/api", tag = "users", params(("slug" = String, Path), ("id" = String, Path),
    ("limit" = Option<i64>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = Listed<ConsentView>), (status = 404, body = Problem)))]
#[get("/v1/tenants/<slug>/users/<id>/consents?<limit>&<after>")]
pub(super) async fn list(
    site: &Site,
    caller: Called,
    slug: &str,
    id: &str,
    limit: Option<&str>,
    after: Option<&str>,
) -> Result<Json<Listed<ConsentView>>, Problem> {
    let permit = permit(site, caller, slug).await?;
    let (admin, after) = (site.admin(), after.unwrap_or_default());
    let limit = asked(strict::limit(limit))?;
    Ok(Json(admin::list_consents(&admin, &permit, id, after, limit).await?))
}

/// Takes back what a user has allowed a client: its grants end, and the user is asked again.
#[utoipa::path(context_path = "/api", tag = "users", params(("slug" = String, Path), ("id" = String, Path),
    ("client_id" = String, Path)),
    responses((status = 200, body = Ending), (status = 404, body = Problem)))]
#[delete("/v1/tenants/<slug>/users/<id>/consents/<client_id>")]
pub(super) async fn withdraw(
    site: &Site,
    caller: Called,
    slug: &str,
    id: &str,
    client_id: &str,
) -> Result<Json<Ending>, Problem> {
    let permit = permit(site, caller, slug).await?;
    Ok(Json(admin::withdraw_consent(&site.admin(), &permit, id, client_id).await?))
}
