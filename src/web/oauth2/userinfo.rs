//! UserInfo (OpenID Connect Core §5.3).

use rocket::{get, post};

use crate::{
    oauth::{
        Cx,
        userinfo::{self, UserInfo},
    },
    protocol::OauthError,
    web::{
        Site,
        answers::Json,
        guards::{Addressed, Bearer, Form, NoTenant, Peer},
    },
};

#[get("/<_>/oauth2/userinfo")]
pub(super) async fn show(
    site: &Site,
    tenant: Result<Addressed, NoTenant>,
    from: Peer,
    bearer: Result<Bearer, OauthError>,
) -> Result<Json<UserInfo>, OauthError> {
    let tenant = tenant?;
    userinfo::userinfo(&Cx::new(&site.app, &tenant, &from.0), &bearer?.0).await.map(Json)
}

/// The token may stand in the body instead, but not in both places (RFC 6750 §2.2).
#[post("/<_>/oauth2/userinfo", data = "<form>")]
pub(super) async fn post(
    site: &Site,
    tenant: Result<Addressed, NoTenant>,
    from: Peer,
    bearer: Result<Bearer, OauthError>,
    form: Result<Form, OauthError>,
) -> Result<Json<UserInfo>, OauthError> {
    let tenant = tenant?;
    let in_body = form.ok().and_then(|form| form.find("access_token").map(str::to_owned));
    let token = match (bearer, in_body) {
        (Ok(_), Some(_)) => {
            return Err(OauthError::invalid_request("the token stands in two places"));
        }
        (Ok(bearer), None) => bearer.0,
        (Err(_), Some(token)) => token,
        (Err(missing), None) => return Err(missing),
    };
    userinfo::userinfo(&Cx::new(&site.app, &tenant, &from.0), &token).await.map(Json)
}
