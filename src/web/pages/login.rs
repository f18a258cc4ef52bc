//! The login page.

use rocket::{
    get,
    http::{CookieJar, Status},
    post,
};
use secrecy::SecretString;

use crate::{
    accounts::sign_in_browser,
    domain::{Actor, Event, SessionKind, Tenant},
    installation::{SignIn as _, SignInRefused},
    oauth::{
        Cx,
        authorize::{self, Incoming, Next},
    },
    protocol::{OauthError, Params},
    views::account::Login,
    web::{
        Site,
        answers::{Answer, Html, Shown, authorization, forged, refused_sign_in},
        cookies,
        guards::{Addressed, Browser, CurrentSession, Form, NoTenant, Peer, Query},
    },
};

/// What the login form is for: nothing in particular, or an authorization request.
///
/// The way on is always one of these two addresses of ours; no address is taken from outside.
struct Purpose {
    request: Option<Params>,
}

impl Purpose {
    fn read(request: Option<&str>) -> (Self, Option<OauthError>) {
        match request.map(Query::parse) {
            None => (Self { request: None }, None),
            Some(query) => (Self { request: Some(query.params) }, query.fault),
        }
    }

    fn way_on(&self, tenant: &Tenant) -> String {
        match &self.request {
            Some(request) => format!("/t/{}/oauth2/authorize?{}", tenant.slug, satisfied(request).to_query()),
            None => format!("/t/{}/account", tenant.slug),
        }
    }
}

/// The request without what this sign-in has just fulfilled, which would ask for it for ever.
fn satisfied(request: &Params) -> Params {
    let left: Vec<&str> = request
        .find("prompt")
        .unwrap_or_default()
        .split(' ')
        .filter(|word| !matches!(*word, "login" | "select_account" | ""))
        .collect();
    let prompt = Some(left.join(" ")).filter(|prompt| !prompt.is_empty());
    let request = request.clone().with("prompt", prompt);
    match request.find("max_age") {
        Some("0") => request.with("max_age", None),
        _ => request,
    }
}

/// The form, or what is to be answered in its place.
async fn form(
    site: &Site,
    cx: &Cx<'_>,
    browser: &Browser,
    request: Option<&str>,
) -> Result<(Login, Option<String>), Answer> {
    let (purpose, fault) = Purpose::read(request);
    let mut view = Login {
        tenant: cx.tenant.name.clone(),
        client: None,
        action: format!("/t/{}/login", cx.tenant.slug),
        csrf_token: browser.csrf_token(),
        request: request.map(str::to_owned),
        username: String::new(),
        error: None,
    };
    let Some(params) = &purpose.request else { return Ok((view, None)) };
    match authorize::begin(cx, Incoming { params, fault }, None).await {
        Ok(Next::Login { hint, redirect_uri }) => {
            let client_id = params.find("client_id").unwrap_or_default();
            let client = cx.app.directory.find_client(cx.tenant, client_id).await;
            let client = client.map_err(|why| Answer::Page(Html::error(site, &why.into())))?;
            view.client = client.map(|client| client.display_name().to_owned());
            view.username = hint.unwrap_or_default();
            Ok((view, Some(redirect_uri)))
        }
        Ok(Next::Respond(response)) => Err(authorization::respond(site, response)),
        Ok(Next::Consent(_)) => Err(Answer::to(purpose.way_on(cx.tenant))),
        Err(error) => Err(authorization::refuse(site, error)),
    }
}

fn shown(site: &Site, view: &Login, redirect_uri: Option<&str>) -> Html {
    let page = Html::of(site, view);
    match redirect_uri {
        Some(_) => page.leading_on(),
        None => page,
    }
}

#[get("/<_>/login")]
pub(super) async fn show(
    site: &Site,
    tenant: Result<Addressed, NoTenant>,
    from: Peer,
    query: Query,
    browser: Browser,
) -> Shown {
    let tenant = site.or_page(tenant)?;
    let cx = Cx::new(&site.app, &tenant, &from.0);
    let (view, redirect_uri) = form(site, &cx, &browser, query.params.find("request")).await?;
    Ok(Answer::Page(shown(site, &view, redirect_uri.as_deref())))
}

#[post("/<_>/login", data = "<sent>")]
pub(super) async fn submit(
    site: &Site,
    tenant: Result<Addressed, NoTenant>,
    from: Peer,
    sent: Result<Form, OauthError>,
    browser: Browser,
    current: CurrentSession,
    jar: &CookieJar<'_>,
) -> Shown {
    let (tenant, sent) = (site.or_page(tenant)?, site.or_page(sent)?);
    let held = site.or_page(current.0)?;
    let cx = Cx::new(&site.app, &tenant, &from.0);
    if !browser.sent(&sent) {
        cx.refused(&Actor::Anonymous, Event::FormForged { page: "login" });
        return Err(forged(site));
    }
    let (mut view, redirect_uri) = form(site, &cx, &browser, sent.find("request")).await?;
    let username = sent.find("username").unwrap_or_default();
    let password = SecretString::from(sent.find("password").unwrap_or_default());
    let user = match site.accounts.check(&tenant, username, &password, &from.0).await {
        Ok(user) => user,
        Err(refused) => {
            view.username = username.to_owned();
            let (status, text, wait) = refused_sign_in(&refused);
            view.error = Some(text.into());
            let page = shown(site, &view, redirect_uri.as_deref()).with_status(status);
            return Err(Answer::Page(match wait {
                Some(seconds) => page.retry_after(seconds),
                None => page,
            }));
        }
    };
    let (purpose, fault) = Purpose::read(sent.find("request"));
    if let Some(params) = &purpose.request {
        let means_another = authorize::means_another(&cx, Incoming { params, fault }, &user).await;
        if means_another.map_err(|error| authorization::refuse(site, error))? {
            view.error = Some("The application asked for another account than this one.".into());
            let page = shown(site, &view, redirect_uri.as_deref()).with_status(Status::Forbidden);
            return Err(Answer::Page(page));
        }
    }
    let way_on = purpose.way_on(&tenant);
    let device = cookies::device(&site.app.config, &tenant, site.accounts.device_token(&tenant, &user));
    let begun = sign_in_browser(&site.app, &tenant, &user, SessionKind::Browser, held.as_ref(), &from.0).await;
    let Some(new) = site.or_page(begun)? else {
        // Overtaken by a change of the user while the password was being hashed.
        view.username = username.to_owned();
        let (status, text, _) = refused_sign_in(&SignInRefused::Credentials);
        view.error = Some(text.into());
        return Err(Answer::Page(shown(site, &view, redirect_uri.as_deref()).with_status(status)));
    };
    jar.add(cookies::session(&site.app.config, &tenant, new.cookie));
    jar.add(device);
    Ok(Answer::to(way_on))
}
