//! Who is signed in at a tenant's pages.

use std::sync::Arc;

use rocket::{
    Request,
    request::{FromRequest, Outcome},
};

use super::{Addressed, NoTenant, SessionSeen};
use crate::{
    accounts::{Visitor, find_visitor},
    domain::SessionKind,
    protocol::OauthError,
    web::{Site, cookies},
};

/// The session that the browser's cookie carries at the addressed tenant, if any.
pub(crate) struct CurrentSession(pub(crate) Result<Option<Visitor>, OauthError>);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for CurrentSession {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        let cookie =
            request.cookies().get(cookies::SESSION).map(|cookie| cookie.value().to_owned());
        let site = request.rocket().state::<Arc<Site>>();
        let tenant = match Addressed::from_request(request).await {
            Outcome::Success(tenant) => Some(tenant),
            // Nobody can say whether somebody is signed in; that is not the same as nobody.
            Outcome::Error((_, NoTenant::Away)) => {
                return Outcome::Success(Self(Err(OauthError::unavailable())));
            }
            _ => None,
        };
        let (Some(cookie), Some(site), Some(tenant)) = (cookie, site, tenant) else {
            return Outcome::Success(Self(Ok(None)));
        };
        let found = find_visitor(&site.app, &tenant, SessionKind::Browser, &cookie).await;
        if let Ok(Some(_)) = found {
            SessionSeen::of(request).set();
        }
        Outcome::Success(Self(found.map_err(OauthError::from)))
    }
}
