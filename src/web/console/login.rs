//! Signing in to the console, and out of it.

use rocket::{
    get,
    http::{CookieJar, Status},
    post,
};
use secrecy::SecretString;

use super::{Member, Shown, Signed, go};
use crate::{
    accounts::{OwnEnding, end_own, sign_in_browser},
    admin::Authority,
    domain::{Actor, Event, Origin, SessionKind, Tenant, User},
    protocol::OauthError,
    views::console::Login,
    web::{
        Site,
        answers::{Answer, Html, forged, refused_sign_in},
        cookies,
        guards::{Addressed, Browser, Form, NoTenant, Peer, Query},
    },
};

#[get("/")]
pub(super) fn home(member: Signed) -> Shown {
    match member? {
        member if member.authority.reaches_everywhere() => go("/admin/tenants"),
        member => go(format!("/admin/tenants/{}", member.home.slug)),
    }
}

#[get("/login")]
#[expect(clippy::needless_pass_by_value, reason = "Rocket hands its guards over")]
pub(super) fn show(site: &Site, browser: Browser, query: Query) -> Html {
    let tenant = query.params.find("tenant").unwrap_or(crate::domain::Slug::SYSTEM).to_owned();
    let view =
        Login { csrf_token: browser.csrf_token(), tenant, username: String::new(), error: None };
    Html::of(site, &view)
}

const WRONG: &str =
    "That tenant, name and password do not go together, or the user is no administrator.";

/// The form once more, with why nobody was signed in.
fn once_more(site: &Site, view: &Login, status: Status, wait: Option<u64>) -> Answer {
    let page = Html::of(site, view).with_status(status);
    Answer::Page(match wait {
        Some(seconds) => page.retry_after(seconds),
        None => page,
    })
}

/// That nobody can say just now.
fn away(site: &Site, why: &OauthError) -> Answer {
    Answer::Page(Html::error(site, why))
}

/// Whether a user has an administrative role; where not, the trail tells of the try.
fn administers(site: &Site, home: &Tenant, user: &User, from: &Origin) -> bool {
    let is_staff = Authority::of_user(home, user, from.clone()).is_some();
    if !is_staff {
        let actor = Actor::User(user.id.to_string());
        let event = Event::AdminRefused { door: "console", why: "no administrative role".into() };
        site.app.audit.refused(home, &actor, event, from);
    }
    is_staff
}

#[post("/login", data = "<form>")]
pub(super) async fn submit(
    site: &Site,
    browser: Browser,
    from: Peer,
    form: Result<Form, OauthError>,
    held: Signed,
    jar: &CookieJar<'_>,
) -> Shown {
    let form = site.or_page(form)?;
    if !browser.sent(&form) {
        return Err(forged(site));
    }
    let field = |name| form.find(name).unwrap_or_default();
    let (slug, username) = (field("tenant"), field("username"));
    let again = |status: Status, text: &str, wait: Option<u64>| {
        let (tenant, username, error) = (slug.into(), username.into(), Some(text.to_owned()));
        let view = Login { csrf_token: browser.csrf_token(), tenant, username, error };
        Err(once_more(site, &view, status, wait))
    };
    let wrong = || again(Status::Forbidden, WRONG, None);
    let home = match Addressed::find(site, slug.trim()).await {
        Ok(Addressed(home)) => home,
        Err(NoTenant::Away) => return Err(away(site, &OauthError::unavailable())),
        Err(NoTenant::Unknown | NoTenant::Suspended) => return wrong(),
    };
    let password = SecretString::from(field("password"));
    let now = site.app.effects.now();
    let identified = match site.accounts.identify(&home, username, &password, &from.0, now).await {
        Ok(identified) => identified,
        Err(refused) => {
            let (status, text, wait) = refused_sign_in(&refused);
            return again(status, if wait.is_some() { text } else { WRONG }, wait);
        }
    };
    if !administers(site, &home, &identified.user, &from.0) {
        return wrong();
    }
    let held = held.ok().filter(|member| member.home.id == home.id).map(|member| member.visitor);
    let (kind, held) = (SessionKind::Console, held.as_ref());
    match sign_in_browser(&site.app, &home, &identified, kind, held, &from.0).await {
        Ok(None) => wrong(),
        Ok(Some(new)) => {
            jar.add(cookies::console(&site.app.config, &home, &new.cookie));
            let token = site.accounts.device_token(&home, &identified.user);
            jar.add(cookies::console_device(&site.app.config, token));
            go("/admin")
        }
        Err(why) => Err(away(site, &OauthError::from(why))),
    }
}

#[post("/logout", data = "<form>")]
pub(super) async fn logout(
    member: Signed,
    form: Result<Form, OauthError>,
    jar: &CookieJar<'_>,
) -> Shown {
    let member = member?;
    member.sent(form)?;
    let gone = cookies::console_gone(&member.site.app.config);
    let Member { site, home, visitor, origin, .. } = member;
    let own = OwnEnding::Session(visitor.session.id);
    match end_own(&site.app, &home, &visitor.user, own, &origin).await {
        Ok(()) => {
            jar.add(gone);
            go("/admin/login")
        }
        // The cookie stays: it still counts, and whoever holds it should know.
        Err(error) => {
            tracing::warn!(%error, "a console session could not be ended: its user was told so");
            let text = "You are still signed in. Try again in a moment.";
            let page = Html::message(
                &site,
                Status::ServiceUnavailable,
                "You could not be signed out",
                text,
            );
            Err(Answer::Page(page.retry_after(1)))
        }
    }
}
