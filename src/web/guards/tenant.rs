//! The tenant that an address names.

use std::{ops::Deref, sync::Arc};

use rocket::{
    Request,
    http::Status,
    request::{FromRequest, Outcome},
};

use crate::{
    domain::{Slug, Tenant},
    protocol::{ErrorCode, OauthError},
    web::{Site, routes::tenant_in},
};

/// The tenant in `/t/{slug}/…`, one that serves.
#[derive(Clone)]
pub(crate) struct Addressed(pub(crate) Arc<Tenant>);

impl Deref for Addressed {
    type Target = Arc<Tenant>;
    fn deref(&self) -> &Arc<Tenant> {
        &self.0
    }
}

/// Why an address names no tenant that serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoTenant {
    /// There is none of that name.
    Unknown,
    /// It is suspended.
    Suspended,
    /// The database is away.
    Away,
}

impl From<NoTenant> for OauthError {
    fn from(why: NoTenant) -> Self {
        match why {
            NoTenant::Unknown | NoTenant::Suspended => {
                Self::new(ErrorCode::NotFound, "no such tenant")
            }
            NoTenant::Away => Self::unavailable(),
        }
    }
}

impl Addressed {
    /// The tenant of this name, one that serves.
    pub(crate) async fn find(site: &Site, slug: &str) -> Result<Self, NoTenant> {
        let slug: Slug = slug.parse().map_err(|_| NoTenant::Unknown)?;
        match site.app.directory.find_tenant(&slug).await {
            Ok(Some(tenant)) if tenant.is_active() => Ok(Self(tenant)),
            Ok(Some(_)) => Err(NoTenant::Suspended),
            Ok(None) => Err(NoTenant::Unknown),
            Err(why) => {
                why.report();
                Err(NoTenant::Away)
            }
        }
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Addressed {
    type Error = NoTenant;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, NoTenant> {
        let path = request.uri().path();
        let Some(slug) = request.route().and_then(|route| tenant_in(route.uri.path(), &path))
        else {
            return Outcome::Error((Status::NotFound, NoTenant::Unknown));
        };
        let Some(site) = request.rocket().state::<Arc<Site>>() else {
            return Outcome::Error((Status::ServiceUnavailable, NoTenant::Away));
        };
        // Several guards of a request ask for it: while the database stands still, one wait is enough.
        match request.local_cache_async(Self::find(site, slug)).await.clone() {
            Ok(tenant) => Outcome::Success(tenant),
            Err(why) => Outcome::Error((Status::NotFound, why)),
        }
    }
}
