//! The consent page.

use rocket::{get, post};

use crate::{
    accounts::Visitor,
    domain::{Actor, Event},
    oauth::{
        Cx,
        authorize::{self, Incoming, Next, SignedIn},
    },
    protocol::OauthError,
    views::account::{Consent, ScopeLine},
    web::{
        Site,
        answers::{Answer, Html, Shown, authorization, forged},
        guards::{Addressed, Browser, CurrentSession, Form, NoTenant, Peer, Query},
    },
};

fn login(tenant: &Addressed, request: &str) -> Answer {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("request", request);
    Answer::to(format!("/t/{}/login?{}", tenant.slug, query.finish()))
}

fn view(cx: &Cx<'_>, consent: &authorize::Consent, browser: &Browser, request: &str) -> Consent {
    let scopes = consent.scope.iter().map(|name| ScopeLine {
        name: name.to_owned(),
        description: cx.tenant.describe_scope(name).unwrap_or_default().to_owned(),
    });
    let host = url::Url::parse(&consent.redirect_uri).ok();
    let host = host.map(|uri| uri.host_str().map_or_else(|| format!("{}:", uri.scheme()), str::to_owned));
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
    let asked = Query::parse(request);
    let cx = Cx::new(&site.app, &tenant, &from.0);
    let signed_in = current.map(|Visitor { session, user }| SignedIn { session, user });
    Ok(match authorize::begin(&cx, Incoming { params: &asked.params, fault: asked.fault }, signed_in).await {
        Ok(Next::Login { .. }) => login(&tenant, request),
        Ok(Next::Consent(consent)) => {
            let view = view(&cx, &consent, &browser, request);
            Answer::Page(Html::of(site, &view).leading_on())
        }
        Ok(Next::Respond(response)) => authorization::respond(site, response),
        Err(error) => authorization::refuse(site, error),
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
    let (tenant, form, current) = (site.or_page(tenant)?, site.or_page(form)?, site.or_page(current.0)?);
    let request = site.or_page(form.required("request"))?;
    if !browser.sent(&form) {
        let cx = Cx::new(&site.app, &tenant, &from.0);
        cx.refused(&Actor::Anonymous, Event::FormForged { page: "consent" });
        return Err(forged(site));
    }
    let Some(Visitor { session, user }) = current else { return Ok(login(&tenant, request)) };
    let allowed = form.find("decision") == Some("allow");
    let cx = Cx::new(&site.app, &tenant, &from.0);
    let asked = Query::parse(request);
    let incoming = Incoming { params: &asked.params, fault: asked.fault };
    Ok(match authorize::decide(&cx, incoming, &SignedIn { session, user }, allowed).await {
        Ok(Next::Respond(response)) => authorization::respond(site, response),
        Ok(Next::Login { .. } | Next::Consent(_)) => login(&tenant, request),
        Err(error) => authorization::refuse(site, error),
    })
}
