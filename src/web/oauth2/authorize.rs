//! The authorization endpoint.

use rocket::{get, post};

use crate::{
    accounts::Visitor,
    oauth::{
        Cx,
        authorize::{self, Incoming, Next, SignedIn},
    },
    protocol::OauthError,
    web::{
        Site,
        answers::{Answer, Shown, authorization},
        guards::{Addressed, CurrentSession, NoTenant, Peer, Query},
    },
};

#[get("/<_>/oauth2/authorize")]
pub(in crate::web) async fn show(
    site: &Site,
    tenant: Result<Addressed, NoTenant>,
    from: Peer,
    query: Query,
    visitor: CurrentSession,
) -> Shown {
    let tenant = site.or_page(tenant)?;
    let visitor = site.or_page(visitor.0)?;
    let signed_in = visitor.map(|Visitor { session, user }| SignedIn { session, user });
    answer(site, tenant, from, query, signed_in).await
}

async fn answer(site: &Site, tenant: Addressed, from: Peer, query: Query, signed_in: Option<SignedIn>) -> Shown {
    let cx = Cx::new(&site.app, &tenant, &from.0);
    let encoded = query.params.to_query();
    let next = authorize::begin(&cx, Incoming { params: &query.params, fault: query.fault }, signed_in).await;
    let page = |name: &str| {
        let mut request = form_urlencoded::Serializer::new(String::new());
        request.append_pair("request", &encoded);
        Answer::to(format!("/t/{}/{name}?{}", tenant.slug, request.finish()))
    };
    Ok(match next {
        Ok(Next::Login { .. }) => page("login"),
        Ok(Next::Consent(_)) => page("consent"),
        Ok(Next::Respond(response)) => authorization::respond(site, response),
        Err(error) => authorization::refuse(site, error),
    })
}

/// A request that was posted is turned into a GET: a browser sends our cookie with that one. What is
/// wrong with the form as a whole would be lost on the way, and is answered here: it asks for nobody.
#[post("/<_>/oauth2/authorize", data = "<form>")]
pub(in crate::web) async fn post(
    site: &Site,
    tenant: Result<Addressed, NoTenant>,
    from: Peer,
    form: Result<Query, OauthError>,
) -> Shown {
    let (tenant, form) = (site.or_page(tenant)?, site.or_page(form)?);
    if form.fault.is_some() {
        return answer(site, tenant, from, form, None).await;
    }
    Ok(Answer::to(format!("/t/{}/oauth2/authorize?{}", tenant.slug, form.params.to_query())))
}
