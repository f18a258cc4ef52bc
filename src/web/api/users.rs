//! `/api/v1/tenants/{slug}/users`.

use rocket::{delete, get, http::Status, patch, post};

use super::{Called, asked, permit};
use crate::{
    admin::{self, Listed, UserInput, UserView},
    protocol::OauthError,
    web::{
        Site,
        answers::{Json, Problem, Versioned},
        guards::{IfMatch, JsonBody, strict},
    },
};

/// Lists users, by name; `q` keeps those whose name or address begins with it.
#[utoipa::path(context_path = "/api", tag = "users", params(("slug" = String, Path), ("q" = Option<String>, Query),
    ("username" = Option<String>, Query, description = "The one who signs in with this name or address"),
    ("limit" = Option<i64>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = Listed<UserView>), (status = 404, body = Problem)))]
#[get("/v1/tenants/<slug>/users?<q>&<username>&<limit>&<after>")]
pub(super) async fn list(
    site: &Site,
    caller: Called,
    slug: &str,
    q: Option<&str>,
    username: Option<&str>,
    limit: Option<&str>,
    after: Option<&str>,
) -> Result<Json<Listed<UserView>>, Problem> {
    let permit = permit(site, caller, slug).await?;
    if let Some(name) = username {
        let found = admin::find_user_by_name_or_id(&site.admin(), &permit, name).await;
        let items = match found {
            Ok(user) => vec![UserView::from(&user)],
            Err(admin::AdminError::NotFound) => Vec::new(),
            Err(other) => return Err(other.into()),
        };
        return Ok(Json(Listed { items, next: None }));
    }
    let (prefix, after) = (q.unwrap_or_default(), after.unwrap_or_default());
    Ok(Json(
        admin::list_users(&site.admin(), &permit, prefix, after, asked(strict::limit(limit))?)
            .await?,
    ))
}

/// Adds a user.
#[utoipa::path(context_path = "/api", tag = "users", params(("slug" = String, Path)),
    request_body = UserInput,
    responses((status = 201, body = UserView), (status = 400, body = Problem), (status = 409, body = Problem)))]
#[post("/v1/tenants/<slug>/users", data = "<body>")]
pub(super) async fn create(
    site: &Site,
    caller: Called,
    slug: &str,
    body: Result<JsonBody, OauthError>,
) -> Result<Versioned<UserView>, Problem> {
    let permit = permit(site, caller, slug).await?;
    let input = admin::read_input(&body?.0)?;
    let user = admin::create_user(&site.admin(), &permit, input).await?;
    let view = UserView::from(&user);
    let version = view.version;
    Ok(Versioned::made(format!("/api/v1/tenants/{slug}/users/{}", view.id), view, version))
}

/// Shows a user.
#[utoipa::path(context_path = "/api", tag = "users", params(("slug" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = UserView), (status = 404, body = Problem)))]
#[get("/v1/tenants/<slug>/users/<id>")]
pub(super) async fn show(
    site: &Site,
    caller: Called,
    slug: &str,
    id: &str,
) -> Result<Versioned<UserView>, Problem> {
    let permit = permit(site, caller, slug).await?;
    let user = admin::show_user(&site.admin(), &permit, id).await?;
    Ok(Versioned::of(UserView::from(&user), user.version))
}

/// Changes a user by JSON Merge Patch (RFC 7396). A new password, other roles or status
/// `disabled` end everything the user has. `If-Match` makes it hold for the version it was read in.
#[utoipa::path(context_path = "/api", tag = "users", params(("slug" = String, Path), ("id" = String, Path),
    ("If-Match" = Option<String>, Header, description = "The `ETag` it was read with")),
    request_body = UserInput,
    responses((status = 200, body = UserView), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 412, body = Problem)))]
#[patch("/v1/tenants/<slug>/users/<id>", data = "<body>")]
pub(super) async fn update(
    site: &Site,
    caller: Called,
    slug: &str,
    id: &str,
    seen: IfMatch,
    body: Result<JsonBody, OauthError>,
) -> Result<Versioned<UserView>, Problem> {
    let permit = permit(site, caller, slug).await?;
    let user = admin::update_user(&site.admin(), &permit, id, body?.0, &seen.0).await?;
    Ok(Versioned::of(UserView::from(&user), user.version))
}

/// Deletes a user; their sessions end and their access tokens are refused.
#[utoipa::path(context_path = "/api", tag = "users", params(("slug" = String, Path), ("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
#[delete("/v1/tenants/<slug>/users/<id>")]
pub(super) async fn delete(
    site: &Site,
    caller: Called,
    slug: &str,
    id: &str,
    seen: IfMatch,
) -> Result<Status, Problem> {
    let permit = permit(site, caller, slug).await?;
    let id = id.to_owned();
    admin::delete_user(&site.admin(), &permit, &id, &seen.0).await?;
    Ok(Status::NoContent)
}
