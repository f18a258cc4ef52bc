//! The endpoints that clients post forms to: token, revocation, introspection.

use rocket::post;

use crate::{
    oauth::{
        Cx, client_auth::Presented, introspect as introspection, revoke as revocation,
        token as exchange,
    },
    protocol::{ErrorCode, IntrospectionResponse, OauthError, TokenResponse},
    web::{
        Site,
        answers::Json,
        guards::{Addressed, Authorization, Form, NoTenant, Peer},
    },
};

/// What such a request consists of once it has been read.
struct Posted {
    tenant: Addressed,
    from: Peer,
    authorization: Option<String>,
    form: Form,
}

type TenantResult = Result<Addressed, NoTenant>;
type FormResult = Result<Form, OauthError>;
type AuthorizationResult = Result<Authorization, OauthError>;

/// A suspended tenant is known to its clients; they are told, at the token endpoint alone.
fn serving(tenant: TenantResult) -> Result<Addressed, OauthError> {
    tenant.map_err(|why| match why {
        NoTenant::Suspended => OauthError::new(ErrorCode::AccessDenied, "this tenant is suspended"),
        other => other.into(),
    })
}

fn read<E: Into<OauthError>>(
    tenant: Result<Addressed, E>,
    from: Peer,
    auth: AuthorizationResult,
    form: FormResult,
) -> Result<Posted, OauthError> {
    Ok(Posted { tenant: tenant.map_err(Into::into)?, from, authorization: auth?.0, form: form? })
}

impl Posted {
    fn presented(&self) -> Presented<'_> {
        Presented { authorization: self.authorization.as_deref(), params: &self.form }
    }
}

#[post("/<_>/oauth2/token", data = "<form>")]
pub(super) async fn token(
    site: &Site,
    tenant: TenantResult,
    from: Peer,
    auth: AuthorizationResult,
    form: FormResult,
) -> Result<Json<TokenResponse>, OauthError> {
    let posted = read(serving(tenant), from, auth, form);
    let grant = posted
        .as_ref()
        .ok()
        .and_then(|posted| posted.form.find("grant_type"))
        .unwrap_or("none")
        .to_owned();
    let answer = match posted {
        Ok(posted) => {
            let cx = Cx::new(&site.app, &posted.tenant, &posted.from.0);
            exchange::exchange(&cx, posted.presented(), &site.accounts).await
        }
        Err(error) => Err(error),
    };
    site.metrics.token_answered(&grant, answer.as_ref().err().map(|error| error.code));
    answer.map(Json)
}

#[post("/<_>/oauth2/revoke", data = "<form>")]
pub(super) async fn revoke(
    site: &Site,
    tenant: TenantResult,
    from: Peer,
    auth: AuthorizationResult,
    form: FormResult,
) -> Result<Json<serde_json::Value>, OauthError> {
    let posted = read(tenant, from, auth, form)?;
    let cx = Cx::new(&site.app, &posted.tenant, &posted.from.0);
    revocation::revoke(&cx, posted.presented()).await?;
    Ok(Json(serde_json::json!({})))
}

#[post("/<_>/oauth2/introspect", data = "<form>")]
pub(super) async fn introspect(
    site: &Site,
    tenant: TenantResult,
    from: Peer,
    auth: AuthorizationResult,
    form: FormResult,
) -> Result<Json<IntrospectionResponse>, OauthError> {
    let posted = read(tenant, from, auth, form)?;
    let cx = Cx::new(&site.app, &posted.tenant, &posted.from.0);
    introspection::introspect(&cx, posted.presented()).await.map(Json)
}
