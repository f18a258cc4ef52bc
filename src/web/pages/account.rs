//! The user's own page: their sessions, and ending them.

use rocket::{get, http::CookieJar, post};

use crate::{
    accounts::{OwnEnding, Visitor, end_own, list_own},
    domain::{Actor, Event, SessionId},
    oauth::Cx,
    protocol::OauthError,
    views::pages::{Account, OwnSession},
    web::{
        Site,
        answers::{Answer, Html, Shown, forged},
        cookies,
        guards::{Addressed, Browser, CurrentSession, Form, NoTenant, Peer},
    },
};

#[get("/<_>/account")]
pub(super) async fn show(
    site: &Site,
    tenant: Result<Addressed, NoTenant>,
    browser: Browser,
    current: CurrentSession,
) -> Shown {
    let (tenant, current) = (site.or_page(tenant)?, site.or_page(current.0)?);
    let Some(Visitor { session, user }) = current else {
        return Ok(Answer::to(format!("/t/{}/login", tenant.slug)));
    };
    let own = site.or_page(list_own(&site.app, &tenant, &user).await)?;
    let line = |(own, clients): (crate::domain::Session, Vec<String>)| OwnSession {
        current: own.id == session.id,
        id: own.id.to_string(),
        user_agent: own.user_agent,
        ip: own.ip,
        created_at: own.created_at.to_string(),
        last_seen_at: own.last_seen_at.to_string(),
        clients,
    };
    let view = Account {
        tenant: tenant.name.clone(),
        base: format!("/t/{}", tenant.slug),
        user: user.name.clone().unwrap_or(user.username),
        email: user.email,
        sessions: own.into_iter().map(line).collect(),
        csrf_token: browser.csrf_token(),
    };
    Ok(Answer::Page(Html::of(site, &view)))
}

/// Ends one of the user's own sessions.
#[post("/<_>/account/sessions/<id>/end", data = "<form>", rank = 2)]
#[expect(clippy::too_many_arguments, reason = "each is a guard")]
pub(super) async fn end_session(
    site: &Site,
    tenant: Result<Addressed, NoTenant>,
    from: Peer,
    id: &str,
    form: Result<Form, OauthError>,
    browser: Browser,
    current: CurrentSession,
    jar: &CookieJar<'_>,
) -> Shown {
    end(site, tenant, from, form, browser, current, jar, Some(id)).await
}

/// Ends all of them.
#[post("/<_>/account/sessions/all/end", data = "<form>", rank = 1)]
pub(super) async fn end_all(
    site: &Site,
    tenant: Result<Addressed, NoTenant>,
    from: Peer,
    form: Result<Form, OauthError>,
    browser: Browser,
    current: CurrentSession,
    jar: &CookieJar<'_>,
) -> Shown {
    end(site, tenant, from, form, browser, current, jar, None).await
}

#[expect(clippy::too_many_arguments, reason = "each is a guard")]
async fn end(
    site: &Site,
    tenant: Result<Addressed, NoTenant>,
    from: Peer,
    form: Result<Form, OauthError>,
    browser: Browser,
    current: CurrentSession,
    jar: &CookieJar<'_>,
    id: Option<&str>,
) -> Shown {
    let (tenant, form, current) =
        (site.or_page(tenant)?, site.or_page(form)?, site.or_page(current.0)?);
    let Some(Visitor { session, user }) = current else {
        return Ok(Answer::to(format!("/t/{}/login", tenant.slug)));
    };
    if !browser.sent(&form) {
        let cx = Cx::new(&site.app, &tenant, &from.0);
        cx.refused(&Actor::User(user.id.to_string()), Event::FormForged { page: "account" });
        return Err(forged(site));
    }
    let chosen = match id.map(str::parse::<SessionId>) {
        None => OwnEnding::All,
        Some(id) => {
            let id = id.map_err(|_| OauthError::invalid_request("no such session"));
            OwnEnding::Session(site.or_page(id)?)
        }
    };
    let own = id.is_none() || chosen == OwnEnding::Session(session.id);
    site.or_page(end_own(&site.app, &tenant, &user, chosen, &from.0).await)?;
    if own {
        jar.add(cookies::session_gone(&site.app.config, &tenant));
    }
    Ok(Answer::to(format!("/t/{}/account", tenant.slug)))
}
