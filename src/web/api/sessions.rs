//! `/api/v1/tenants/{slug}/sessions`, and forced logout of every kind.

use std::net::IpAddr;

use rocket::{delete, get, http::Status, post};

use super::{Called, asked, permit, read_cursor};
use crate::{
    admin::{self, AdminError, Ending, Listed, SessionView, TokenInput},
    domain::Effectiveness,
    domain::{FieldError, Selection, SessionFilter},
    protocol::OauthError,
    web::{
        Site,
        answers::{Json, Problem},
        guards::{JsonBody, strict},
    },
};

/// Lists sessions, the newest first.
#[utoipa::path(context_path = "/api", tag = "sessions", params(("slug" = String, Path),
    ("user" = Option<String>, Query, description = "A user's id, or the name they sign in with"),
    ("client" = Option<String>, Query, description = "A client_id"),
    ("ip" = Option<String>, Query, description = "The address a session was made from"),
    ("active" = Option<bool>, Query, description = "Live ones, or ended and expired ones"),
    ("limit" = Option<i64>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = Listed<SessionView>), (status = 404, body = Problem)))]
#[get("/v1/tenants/<slug>/sessions?<user>&<client>&<ip>&<active>&<limit>&<after>")]
#[expect(clippy::too_many_arguments, reason = "each is a query parameter")]
pub(super) async fn list(
    site: &Site,
    caller: Called,
    slug: &str,
    user: Option<&str>,
    client: Option<String>,
    ip: Option<String>,
    active: Option<&str>,
    limit: Option<&str>,
    after: Option<String>,
) -> Result<Json<Listed<SessionView>>, Problem> {
    let permit = permit(site, caller, slug).await?;
    let admin = site.admin();
    let user = match user {
        None => None,
        Some(text) => match admin::find_user_by_name_or_id(&admin, &permit, text).await {
            Ok(user) => Some(user.id),
            // Nobody of that name has a session.
            Err(AdminError::NotFound) => return Ok(Json(Listed { items: Vec::new(), next: None })),
            Err(other) => return Err(other.into()),
        },
    };
    let after = after.map(|after| read_cursor(&after)).transpose()?;
    let active = asked(strict::choice("active", active))?;
    let ip = asked(strict::parsed::<IpAddr>("ip", ip.as_deref(), "an IP address"))?
        .map(|ip| ip.to_string());
    let filter = SessionFilter { user, client, ip, active, after };
    Ok(Json(admin::list_sessions(&admin, &permit, &filter, asked(strict::limit(limit))?).await?))
}

/// Shows a session, with its clients and token families.
#[utoipa::path(context_path = "/api", tag = "sessions", params(("slug" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = SessionView), (status = 404, body = Problem)))]
#[get("/v1/tenants/<slug>/sessions/<id>")]
pub(super) async fn show(
    site: &Site,
    caller: Called,
    slug: &str,
    id: &str,
) -> Result<Json<SessionView>, Problem> {
    let permit = permit(site, caller, slug).await?;
    Ok(Json(admin::show_session(&site.admin(), &permit, id).await?))
}

async fn end_all(
    site: &Site,
    caller: Called,
    slug: &str,
    selection: Option<Selection>,
    dry_run: Option<&str>,
) -> Result<Json<Ending>, Problem> {
    let permit = permit(site, caller, slug).await?;
    let selection = selection.ok_or(AdminError::NotFound)?;
    let dry_run = asked(strict::flag("dry_run", dry_run))?;
    Ok(Json(admin::end_sessions(&site.admin(), &permit, &selection, dry_run).await?))
}

/// Ends a session.
#[utoipa::path(context_path = "/api", tag = "sessions", params(("slug" = String, Path), ("id" = String, Path),
    ("dry_run" = Option<bool>, Query, description = "Only tell what would end")),
    responses((status = 200, body = Ending), (status = 404, body = Problem)))]
#[delete("/v1/tenants/<slug>/sessions/<id>?<dry_run>")]
pub(super) async fn end(
    site: &Site,
    caller: Called,
    slug: &str,
    id: &str,
    dry_run: Option<&str>,
) -> Result<Json<Ending>, Problem> {
    end_all(site, caller, slug, id.parse().ok().map(Selection::Session), dry_run).await
}

/// Ends every session of a user.
#[utoipa::path(context_path = "/api", tag = "sessions", params(("slug" = String, Path), ("id" = String, Path),
    ("dry_run" = Option<bool>, Query, description = "Only tell what would end")),
    responses((status = 200, body = Ending), (status = 404, body = Problem)))]
#[post("/v1/tenants/<slug>/users/<id>/logout?<dry_run>")]
pub(super) async fn logout_user(
    site: &Site,
    caller: Called,
    slug: &str,
    id: &str,
    dry_run: Option<&str>,
) -> Result<Json<Ending>, Problem> {
    end_all(site, caller, slug, id.parse().ok().map(Selection::User), dry_run).await
}

/// Ends every grant of a client, and the sessions that were made through it alone.
#[utoipa::path(context_path = "/api", tag = "sessions", params(("slug" = String, Path), ("client_id" = String, Path),
    ("dry_run" = Option<bool>, Query, description = "Only tell what would end")),
    responses((status = 200, body = Ending), (status = 404, body = Problem)))]
#[post("/v1/tenants/<slug>/clients/<client_id>/logout?<dry_run>")]
pub(super) async fn logout_client(
    site: &Site,
    caller: Called,
    slug: &str,
    client_id: &str,
    dry_run: Option<&str>,
) -> Result<Json<Ending>, Problem> {
    end_all(site, caller, slug, Some(Selection::Client(client_id.to_owned())), dry_run).await
}

/// Ends every session of the tenant.
#[utoipa::path(context_path = "/api", tag = "sessions", params(("slug" = String, Path),
    ("dry_run" = Option<bool>, Query, description = "Only tell what would end")),
    responses((status = 200, body = Ending), (status = 404, body = Problem)))]
#[post("/v1/tenants/<slug>/logout?<dry_run>")]
pub(super) async fn logout_tenant(
    site: &Site,
    caller: Called,
    slug: &str,
    dry_run: Option<&str>,
) -> Result<Json<Ending>, Problem> {
    end_all(site, caller, slug, Some(Selection::Tenant), dry_run).await
}

/// Refuses one token from now on: an access token by its `jti`, or any token by itself.
#[utoipa::path(context_path = "/api", tag = "sessions", params(("slug" = String, Path)),
    request_body = TokenInput,
    responses((status = 204), (status = 400, body = Problem), (status = 404, body = Problem)))]
#[post("/v1/tenants/<slug>/tokens/revoke", data = "<body>")]
pub(super) async fn revoke_token(
    site: &Site,
    caller: Called,
    slug: &str,
    body: Result<JsonBody, OauthError>,
) -> Result<Status, Problem> {
    let permit = permit(site, caller, slug).await?;
    let TokenInput { jti, token } = admin::read_input(&body?.0)?;
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    match (given(jti), given(token)) {
        (Some(jti), None) if jti.len() <= 200 => {
            admin::revoke_jti(&site.admin(), &permit, &jti).await?;
        }
        (None, Some(token)) => {
            admin::revoke_token(&site.admin(), &permit, &token).await?;
        }
        _ => {
            return Err(
                AdminError::from(FieldError::new("jti", "either jti or token, a string")).into()
            );
        }
    }
    Ok(Status::NoContent)
}

/// Tells where a forced logout has been applied by now.
#[utoipa::path(context_path = "/api", tag = "sessions", params(("event" = i64, Path)),
    responses((status = 200, body = Effectiveness)))]
#[get("/v1/revocations/<event>")]
pub(super) async fn revocation(
    site: &Site,
    caller: Called,
    event: i64,
) -> Result<Json<Effectiveness>, Problem> {
    Ok(Json(admin::where_effective(&site.admin(), &caller?.0, event).await?))
}
