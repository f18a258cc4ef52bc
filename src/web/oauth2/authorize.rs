//! The authorization endpoint.

use rocket::{get, post};

use crate::{
    oauth::{
        Cx,
        authorize::{self, Incoming},
        interaction::Interaction,
    },
    protocol::OauthError,
    web::{
        Site,
        answers::{Answer, Shown},
        guards::{Addressed, Browser, CurrentSession, NoTenant, Peer, Query},
        interaction::{next_step, opened},
    },
};

/// A new request, or one that goes on: the login page leads back here with `interaction`.
#[get("/<_>/oauth2/authorize")]
pub(in crate::web) async fn show(
    site: &Site,
    tenant: Result<Addressed, NoTenant>,
    from: Peer,
    query: Query,
    browser: Browser,
    visitor: CurrentSession,
) -> Shown {
    let tenant = site.or_page(tenant)?;
    let visitor = site.or_page(visitor.0)?;
    let cx = Cx::new(&site.app, &tenant, &from.0);
    let (interaction, fault) = match query.params.find("interaction") {
        Some(text) => (opened(site, &cx, &browser, text)?, None),
        None => (Interaction::begin(&cx, query.params), query.fault),
    };
    let next = authorize::begin(&cx, Incoming { interaction: &interaction, fault }, visitor).await;
    Ok(next_step(site, &cx, &browser, &interaction, next))
}

/// A request that was posted is turned into a GET: a browser sends our cookie with that one. What is
/// wrong with the form as a whole would be lost on the way, and is answered here: it asks for nobody.
#[post("/<_>/oauth2/authorize", data = "<form>")]
pub(in crate::web) async fn post(
    site: &Site,
    tenant: Result<Addressed, NoTenant>,
    from: Peer,
    browser: Browser,
    form: Result<Query, OauthError>,
) -> Shown {
    let (tenant, form) = (site.or_page(tenant)?, site.or_page(form)?);
    if form.fault.is_none() {
        return Ok(Answer::to(format!(
            "/t/{}/oauth2/authorize?{}",
            tenant.slug,
            form.params.to_query()
        )));
    }
    let cx = Cx::new(&site.app, &tenant, &from.0);
    let interaction = Interaction::begin(&cx, form.params);
    let next =
        authorize::begin(&cx, Incoming { interaction: &interaction, fault: form.fault }, None)
            .await;
    Ok(next_step(site, &cx, &browser, &interaction, next))
}
