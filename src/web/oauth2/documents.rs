//! Metadata and keys: public documents.

use rocket::get;

use crate::{
    domain::limits,
    oauth::{Cx, discovery},
    protocol::OauthError,
    web::{
        Site,
        answers::Document,
        guards::{Addressed, NoTenant, Peer},
    },
};

async fn metadata(
    site: &Site,
    tenant: Result<Addressed, NoTenant>,
    from: Peer,
) -> Result<Document, OauthError> {
    let tenant = tenant?;
    let json = discovery::metadata(&Cx::new(&site.app, &tenant, &from.0)).await?;
    Ok(Document { json: json.as_ref().to_owned(), max_age: limits::JWKS_MAX_AGE })
}

#[get("/<_>/.well-known/openid-configuration")]
pub(super) async fn openid_configuration(
    site: &Site,
    tenant: Result<Addressed, NoTenant>,
    from: Peer,
) -> Result<Document, OauthError> {
    metadata(site, tenant, from).await
}

#[get("/.well-known/openid-configuration/t/<_>")]
pub(super) async fn openid_configuration_by_path(
    site: &Site,
    tenant: Result<Addressed, NoTenant>,
    from: Peer,
) -> Result<Document, OauthError> {
    metadata(site, tenant, from).await
}

#[get("/.well-known/oauth-authorization-server/t/<_>")]
pub(super) async fn authorization_server_metadata(
    site: &Site,
    tenant: Result<Addressed, NoTenant>,
    from: Peer,
) -> Result<Document, OauthError> {
    metadata(site, tenant, from).await
}

#[get("/<_>/oauth2/jwks")]
pub(super) async fn jwks(
    site: &Site,
    tenant: Result<Addressed, NoTenant>,
) -> Result<Document, OauthError> {
    let keys = site.app.keys.of(&tenant?.0).await?;
    Ok(Document { json: keys.jwks().to_owned(), max_age: limits::JWKS_MAX_AGE })
}
