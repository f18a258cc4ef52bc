//! The consent page.

use rocket::{get, post};

use crate::{
    domain::{Actor, Event},
    oauth::{
        Cx,
        authorize::{self, Incoming, Next},
    },
    protocol::OauthError,
    views::pages::{Consent, ScopeLine},
    web::{
        Site,
        answers::{Answer, Html, Shown, forged},
        guards::{Addressed, Browser, CurrentSession, Form, NoTenant, Peer, Query},
        interaction::{next_step, opened, page},
    },
};

fn view(cx: &Cx<'_>, consent: &authorize::Consent, browser: &Browser, request: &str) -> Consent {
    let scopes = consent.scope.iter().map(|name| ScopeLine {
        name: name.to_owned(),
        description: cx.tenant.describe_scope(name).unwrap_or_default().to_owned(),
    });
    let host = url::Url::parse(&consent.redirect_uri).ok();
    let host =
        host.map(|uri| uri.host_str().map_or_else(|| format!("{}:", uri.scheme()), str::to_owned));
    Consent {
        tenant: cx.tenant.name.clone(),
        client: consent.client.display_name().to_owned(),
        redirect_host: host.unwrap_or_default(),
        user: consent.user.name.clone().unwrap_or_else(|| consent.user.username.clone()),
        scopes: scopes.collect(),
        action: format!("/t/{}/consent", cx.tenant.slug),
        csrf_token: browser.csrf_token(),
        request: request.to_owned(),
    }
}

#[get("/<_>/consent")]
pub(super) async fn show(
    site: &Site,
    tenant: Result<Addressed, NoTenant>,
    from: Peer,
    query: Query,
    browser: Browser,
    current: CurrentSession,
) -> Shown {
    let (tenant, current) = (site.or_page(tenant)?, site.or_page(current.0)?);
    let request = site.or_page(query.params.required("request"))?;
    let cx = Cx::new(&site.app, &tenant, &from.0);
    let interaction = opened(site, &cx, &browser, request)?;
    Ok(match authorize::begin(&cx, Incoming::from(&interaction), current).await {
        Ok(Next::Consent(consent)) => {
            let view = view(&cx, &consent, &browser, request);
            Answer::Page(Html::of(site, &view).leading_on())
        }
        next => next_step(site, &cx, &browser, &interaction, next),
    })
}

#[post("/<_>/consent", data = "<form>")]
pub(super) async fn submit(
    site: &Site,
    tenant: Result<Addressed, NoTenant>,
    from: Peer,
    form: Result<Form, OauthError>,
    browser: Browser,
    current: CurrentSession,
) -> Shown {
    let (tenant, form, current) =
        (site.or_page(tenant)?, site.or_page(form)?, site.or_page(current.0)?);
    let request = site.or_page(form.required("request"))?;
    let cx = Cx::new(&site.app, &tenant, &from.0);
    if !browser.sent(&form) {
        cx.refused(&Actor::Anonymous, Event::FormForged { page: "consent" });
        return Err(forged(site));
    }
    let interaction = opened(site, &cx, &browser, request)?;
    let Some(visitor) = current else { return Ok(page(&cx, "login", &browser, &interaction)) };
    let allowed = form.find("decision") == Some("allow");
    let next = authorize::decide(&cx, Incoming::from(&interaction), &visitor, allowed).await;
    Ok(next_step(site, &cx, &browser, &interaction, next))
}
