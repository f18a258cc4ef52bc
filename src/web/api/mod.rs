//! The admin API, under `/api/v1/`.

mod audit;
mod clients;
mod consents;
mod keys;
mod openapi;
mod sessions;
mod tenants;
mod users;

use std::{borrow::Cow, ops::Deref, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rocket::{
    Request, Route,
    http::Status,
    request::{FromRequest, Outcome},
    routes,
};

use super::{
    Site,
    answers::Problem,
    guards::{Addressed, Bearer, NoTenant, Peer, strict},
};
use crate::{
    admin::{AdminError, Authority, Permit},
    domain::{Actor, Event, FieldError},
    oauth::{Cx, verify_access_token},
    protocol::ErrorCode,
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
        consents::list,
        consents::withdraw,
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

/// Whoever calls, shown by an access token.
pub(super) struct Caller(Authority);

/// The authority of a request that this process makes of itself: nothing that comes over a network sets it.
struct InProcess(Option<Authority>);

/// Has a request of this process's own be answered for a person with a shell on the server.
pub(crate) fn speak_for(request: &Request<'_>, authority: Authority) {
    request.local_cache(|| InProcess(Some(authority)));
}

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
            if !strict::is_storable_address(request) {
                return Err(Problem::plain(Status::BadRequest, "a NUL byte in the address"));
            }
            if let InProcess(Some(authority)) = request.local_cache(|| InProcess(None)) {
                return Ok(Self(authority.clone()));
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
            Err(problem) => Outcome::Error((problem.status(), problem)),
        }
    }
}

/// What a token allows, as its subject stands now. What is refused is written to the audit trail.
async fn authority_of(cx: &Cx<'_>, token: &str) -> Result<Authority, Problem> {
    let refused = |actor: &Actor, why: Cow<'static, str>| {
        cx.refused(actor, Event::AdminRefused { door: "api", why });
    };
    let claims = verify_access_token(cx, token).await.map_err(|error| match error.code {
        ErrorCode::TemporarilyUnavailable => AdminError::Unavailable("revocation".into()).into(),
        _ => {
            refused(
                &Actor::Anonymous,
                error.reason.unwrap_or("no access token of this tenant".into()),
            );
            Problem::unauthorized()
        }
    })?;
    cx.is_of_client(&claims.client_id);
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
    let authority = Authority::of_token(cx.tenant, &claims, user.as_ref(), cx.origin.clone())
        .ok_or_else(|| {
            refused(&actor, "no scope or role for it".into());
            let text =
                "scope admin or admin:read is needed, and a role where a user is behind the token";
            Problem::from(AdminError::Forbidden(text))
        })?;
    if claims.aud.contains(&claims.iss) {
        return Ok(authority);
    }
    refused(&actor, "a token for another audience".into());
    Err(Problem::unauthorized())
}

type Called = Result<Caller, Problem>;

/// Proof that the caller reaches the tenant that the address names.
async fn permit(site: &Site, caller: Called, slug: &str) -> Result<Permit, Problem> {
    let caller = caller?;
    let tenant = crate::admin::find_tenant(&site.admin(), slug).await?;
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
