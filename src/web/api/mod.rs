//! The admin API, under `/api/v1/`.

mod audit;
mod clients;
mod keys;
mod openapi;
mod sessions;
mod tenants;
mod users;

use std::{ops::Deref, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rocket::{
    Request, Route,
    http::{ContentType, Header, Status},
    request::{FromRequest, Outcome},
    response::{self, Responder},
    routes,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Site,
    guards::{Addressed, Bearer, NoTenant, Peer, strict},
    respond::json,
    uncut,
};
use crate::{
    admin::{Admin, AdminError, Authority, Permit},
    domain::{Actor, FieldError},
    oauth::{Cx, verify_access_token},
    protocol::{ErrorCode, OauthError},
};

pub(super) fn routes() -> Vec<Route> {
    routes![
        tenants::list,
        tenants::create,
        tenants::show,
        tenants::update,
        tenants::delete,
        clients::list,
        clients::create,
        clients::show,
        clients::update,
        clients::delete,
        clients::create_secret,
        clients::delete_secret,
        users::list,
        users::create,
        users::show,
        users::update,
        users::delete,
        sessions::list,
        sessions::show,
        sessions::end,
        sessions::logout_user,
        sessions::logout_client,
        sessions::logout_tenant,
        sessions::revoke_token,
        sessions::revocation,
        keys::list,
        keys::rotate,
        keys::withdraw,
        audit::list,
        openapi::document,
        openapi::page,
    ]
}

/// A problem (RFC 9457).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Always `about:blank`: the status says what kind it is.
    r#type: &'static str,
    /// The status in words.
    title: &'static str,
    /// The status.
    status: u16,
    /// What happened, and what would be right.
    detail: String,
    /// The field at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip)]
    challenge: Option<&'static str>,
}

impl Problem {
    pub(super) fn plain(status: Status, detail: impl Into<String>) -> Self {
        Self {
            r#type: "about:blank",
            title: status.reason_lossy(),
            status: status.code,
            detail: detail.into(),
            field: None,
            challenge: None,
        }
    }

    fn unauthorized() -> Self {
        let text = "a bearer access token of this server is needed, with scope admin or admin:read";
        Self { challenge: Some("Bearer error=\"invalid_token\""), ..Self::plain(Status::Unauthorized, text) }
    }
}

impl From<AdminError> for Problem {
    fn from(error: AdminError) -> Self {
        let detail = error.to_string();
        match error {
            AdminError::NotFound => Self::plain(Status::NotFound, "there is nothing of that name"),
            AdminError::Forbidden(_) => Self::plain(Status::Forbidden, detail),
            AdminError::Invalid(field) => {
                Self { field: Some(field.field), ..Self::plain(Status::BadRequest, field.message) }
            }
            AdminError::Stale => Self::plain(Status::PreconditionFailed, detail),
            AdminError::Conflict(why) => Self::plain(Status::Conflict, why),
            AdminError::Broken(why) => {
                tracing::error!(error = why, "the admin API met what cannot be worked with");
                Self::plain(Status::InternalServerError, "the server cannot do this; its operator has been told")
            }
            AdminError::Unavailable(why) => {
                tracing::error!(error = why, "admin api");
                Self::plain(Status::ServiceUnavailable, "a part of the server does not answer; nothing was changed")
            }
        }
    }
}

/// A body that could not be read.
impl From<OauthError> for Problem {
    fn from(error: OauthError) -> Self {
        match error.code {
            ErrorCode::InvalidToken => Self::unauthorized(),
            _ => Self { field: Some("body".into()), ..Self::plain(error.status(), error.description.to_string()) },
        }
    }
}

impl<'r> Responder<'r, 'static> for Problem {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        let mut response = json(Status::new(self.status), &self)?;
        response.set_header(ContentType::new("application", "problem+json"));
        if self.status == Status::ServiceUnavailable.code {
            response.set_header(Header::new("Retry-After", "1"));
        }
        if let Some(challenge) = self.challenge {
            response.set_header(Header::new("WWW-Authenticate", challenge));
        }
        Ok(response)
    }
}

/// Whoever calls, shown by an access token.
pub(super) struct Caller(Authority);

impl Deref for Caller {
    type Target = Authority;
    fn deref(&self) -> &Authority {
        &self.0
    }
}

/// The slug in a token's `iss`, not yet believed: it only says whose keys to try.
fn claimed_tenant(site: &Site, token: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Claimed {
        iss: String,
    }
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claimed: Claimed = serde_json::from_slice(&payload).ok()?;
    claimed.iss.strip_prefix(&site.app.config.base_url)?.strip_prefix("/t/").map(str::to_owned)
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Caller {
    type Error = Problem;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Problem> {
        let Some(site) = request.rocket().state::<Arc<Site>>() else {
            return Outcome::Forward(Status::ServiceUnavailable);
        };
        let read = async {
            strict::check_declared(request).map_err(AdminError::from)?;
            // PostgreSQL has no text with a NUL in it; nothing that is asked for by one exists.
            if request.uri().to_string().contains("%00") {
                return Err(Problem::plain(Status::BadRequest, "a NUL byte in the address"));
            }
            let Outcome::Success(bearer) = Bearer::from_request(request).await else {
                return Err(Problem::unauthorized());
            };
            let Outcome::Success(origin) = Peer::from_request(request).await else {
                return Err(Problem::unauthorized());
            };
            let slug = claimed_tenant(site, &bearer.0).ok_or_else(Problem::unauthorized)?;
            let tenant = Addressed::find(site, &slug).await.map_err(|why| match why {
                NoTenant::Away => AdminError::Unavailable("storage".into()).into(),
                _ => Problem::unauthorized(),
            })?;
            authority_of(&Cx::new(&site.app, &tenant, &origin.0), &bearer.0).await.map(Self)
        };
        match read.await {
            Ok(caller) => Outcome::Success(caller),
            Err(problem) => Outcome::Error((Status::new(problem.status), problem)),
        }
    }
}

/// What a token allows, as its subject stands now. What is refused is written to the audit trail.
async fn authority_of(cx: &Cx<'_>, token: &str) -> Result<Authority, Problem> {
    let refused = |actor: &Actor, why: &str| {
        cx.app.audit.note(cx.tenant, actor, "admin.refused", "api", why, cx.origin);
    };
    let claims = verify_access_token(cx, token).await.map_err(|error| match error.code {
        ErrorCode::TemporarilyUnavailable => AdminError::Unavailable("revocation".into()).into(),
        _ => {
            refused(&Actor::Anonymous, error.reason.unwrap_or("no access token of this tenant"));
            Problem::unauthorized()
        }
    })?;
    let user = match (&claims.sid, claims.sub.parse()) {
        (Some(_), Ok(id)) => cx
            .app
            .storage
            .read(&**cx.tenant)
            .await
            .map_err(AdminError::from)?
            .tenant(cx.tenant)
            .find_user(id)
            .await
            .map_err(AdminError::from)?,
        _ => None,
    };
    let actor = match &user {
        Some(user) => Actor::User(user.id.to_string()),
        None => Actor::Client(claims.client_id.clone()),
    };
    let authority = Authority::of_token(cx.tenant, &claims, user.as_ref(), cx.origin.clone()).ok_or_else(|| {
        refused(&actor, "no scope or role for it");
        let text = "scope admin or admin:read is needed, and a role where a user is behind the token";
        Problem::from(AdminError::Forbidden(text))
    })?;
    if claims.aud.contains(&claims.iss) {
        return Ok(authority);
    }
    refused(&actor, "a token for another audience");
    Err(Problem::unauthorized())
}

/// The use cases' context at `site`.
pub(super) fn admin_of(site: &Site) -> Admin<'_> {
    Admin { app: &site.app, hasher: &*site.accounts }
}

type Called = Result<Caller, Problem>;

/// Proof that the caller reaches the tenant that the address names.
async fn permit(site: &Site, caller: Called, slug: &str) -> Result<Permit, Problem> {
    let caller = caller?;
    let tenant = crate::admin::find_tenant(&admin_of(site), slug).await?;
    Ok(caller.over(&site.app, tenant)?)
}

/// What a query asks for, or the problem with it.
fn asked<T>(read: Result<T, FieldError>) -> Result<T, Problem> {
    read.map_err(|field| AdminError::from(field).into())
}

/// The identifier that a page of a list ended with.
fn read_cursor<T: std::str::FromStr>(text: &str) -> Result<T, Problem> {
    let wrong = |_| AdminError::from(FieldError::new("after", "the `next` of the page before"));
    text.parse().map_err(wrong).map_err(Problem::from)
}

/// Runs a use case in a task of its own.
async fn run<T: Send + 'static>(
    work: impl Future<Output = Result<T, AdminError>> + Send + 'static,
) -> Result<T, Problem> {
    let done = uncut(work).await;
    done.unwrap_or_else(|| Err(AdminError::Unavailable("a task died".into()))).map_err(Problem::from)
}
