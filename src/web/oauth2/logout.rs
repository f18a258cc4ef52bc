//! OpenID Connect RP-Initiated Logout.

use rocket::{get, http::CookieJar, post};

use crate::{
    oauth::{
        Cx,
        logout::{self, Logout},
    },
    protocol::{OauthError, Params},
    views::{Hidden, pages::Logout as Confirm},
    web::{
        Site,
        answers::{Answer, Html, Shown},
        cookies,
        guards::{Addressed, Browser, CurrentSession, Form, NoTenant, Peer, Query},
    },
};

const PARAMETERS: [&str; 4] = ["id_token_hint", "post_logout_redirect_uri", "client_id", "state"];

#[get("/<_>/oauth2/logout")]
pub(super) async fn show(
    site: &Site,
    tenant: Result<Addressed, NoTenant>,
    from: Peer,
    query: Query,
    visitor: CurrentSession,
    browser: Browser,
    jar: &CookieJar<'_>,
) -> Shown {
    let params = match query.fault {
        Some(fault) => Err(fault),
        None => Ok(query.params),
    };
    leave(site, tenant, from, params, visitor, browser, jar).await
}

#[post("/<_>/oauth2/logout", data = "<form>")]
pub(super) async fn post(
    site: &Site,
    tenant: Result<Addressed, NoTenant>,
    from: Peer,
    form: Result<Form, OauthError>,
    visitor: CurrentSession,
    browser: Browser,
    jar: &CookieJar<'_>,
) -> Shown {
    leave(site, tenant, from, form.map(|form| form.0), visitor, browser, jar).await
}

async fn leave(
    site: &Site,
    tenant: Result<Addressed, NoTenant>,
    from: Peer,
    params: Result<Params, OauthError>,
    visitor: CurrentSession,
    browser: Browser,
    jar: &CookieJar<'_>,
) -> Shown {
    let (tenant, params) = (site.or_page(tenant)?, site.or_page(params)?);
    let visitor = site.or_page(visitor.0)?;
    // Our own page's answer; a client's request bears no token of this browser.
    let confirmed = params.find("confirmed").is_some() && browser.sent(&params);
    let who = visitor.as_ref().map(|visitor| visitor.user.username.clone()).unwrap_or_default();
    let gone = cookies::session_gone(&site.app.config, &tenant);
    let cx = Cx::new(&site.app, &tenant, &from.0);
    let session = visitor.as_ref().map(|visitor| &visitor.session);
    Ok(match site.or_page(logout::logout(&cx, &params, session, confirmed).await)? {
        Logout::Confirm(leads_to) => {
            let field = |name: &&str| {
                params
                    .find(name)
                    .map(|value| Hidden { name: (*name).to_owned(), value: value.to_owned() })
            };
            let fields = PARAMETERS.iter().filter_map(field).collect();
            let action = format!("/t/{}/oauth2/logout", tenant.slug);
            let view = Confirm {
                tenant: tenant.name.clone(),
                user: who,
                action,
                csrf_token: browser.csrf_token(),
                fields,
            };
            let page = Html::of(site, &view);
            Answer::Page(match leads_to {
                Some(_) => page.leading_on(),
                None => page,
            })
        }
        Logout::Return(uri) => {
            jar.add(gone);
            Answer::to(uri)
        }
        Logout::Done => {
            jar.add(gone);
            let text = "You can close this window.";
            Answer::Page(Html::message(site, rocket::http::Status::Ok, "You are signed out", text))
        }
    })
}
