//! The login page.

use rocket::{
    get,
    http::{CookieJar, Status},
    post,
};
use secrecy::SecretString;

use crate::{
    accounts::{SignInRefused, sign_in_browser},
    domain::{Actor, Event, SessionKind, Timestamp, User},
    oauth::{
        Cx,
        authorize::{self, Incoming, Next},
        interaction::Interaction,
    },
    protocol::OauthError,
    views::pages::Login,
    web::{
        Site,
        answers::{Answer, Html, Shown, authorization, forged, refused_sign_in},
        cookies,
        guards::{Addressed, Browser, CurrentSession, Form, NoTenant, Peer, Query},
        interaction::{next_step, opened, way_on},
    },
};

/// What the login form is for: nothing in particular, or an authorization request.
///
/// The way on is always one of two addresses of ours; no address is taken from outside.
struct Purpose {
    interaction: Option<Interaction>,
}

impl Purpose {
    fn read(
        site: &Site,
        cx: &Cx<'_>,
        browser: &Browser,
        request: Option<&str>,
    ) -> Result<Self, Answer> {
        let interaction = request.map(|text| opened(site, cx, browser, text)).transpose()?;
        Ok(Self { interaction })
    }

    /// Whether the request is for another user than `user`.
    async fn means_another(&self, site: &Site, cx: &Cx<'_>, user: &User) -> Result<bool, Answer> {
        let Some(interaction) = &self.interaction else { return Ok(false) };
        let found = authorize::means_another(cx, Incoming::from(interaction), user).await;
        found.map_err(|error| authorization::refuse(site, error))
    }

    fn way_on(self, cx: &Cx<'_>, browser: &Browser, proved_at: Timestamp) -> Answer {
        match self.interaction {
            Some(interaction) => way_on(cx, browser, &interaction.proved(proved_at)),
            None => Answer::to(format!("/t/{}/account", cx.tenant.slug)),
        }
    }
}

/// The form, or what is to be answered in its place.
async fn form(
    site: &Site,
    cx: &Cx<'_>,
    browser: &Browser,
    purpose: &Purpose,
) -> Result<(Login, Option<String>), Answer> {
    let mut view = Login {
        tenant: cx.tenant.name.clone(),
        client: None,
        action: format!("/t/{}/login", cx.tenant.slug),
        csrf_token: browser.csrf_token(),
        request: purpose
            .interaction
            .as_ref()
            .map(|interaction| interaction.seal(cx, browser.name())),
        username: String::new(),
        error: None,
    };
    let Some(interaction) = &purpose.interaction else { return Ok((view, None)) };
    match authorize::begin(cx, Incoming::from(interaction), None).await {
        Ok(Next::Login { client, hint, redirect_uri }) => {
            view.client = Some(client.display_name().to_owned());
            view.username = hint.unwrap_or_default();
            Ok((view, Some(redirect_uri)))
        }
        next => Err(next_step(site, cx, browser, interaction, next)),
    }
}

fn shown(site: &Site, view: &Login, redirect_uri: Option<&str>) -> Html {
    let page = Html::of(site, view);
    match redirect_uri {
        Some(_) => page.leading_on(),
        None => page,
    }
}

/// The form once more, with why nobody was signed in.
fn again(
    site: &Site,
    mut view: Login,
    redirect_uri: Option<&str>,
    refused: &SignInRefused,
) -> Answer {
    let (status, text, wait) = refused_sign_in(refused);
    view.error = Some(text.into());
    let page = shown(site, &view, redirect_uri).with_status(status);
    Answer::Page(match wait {
        Some(seconds) => page.retry_after(seconds),
        None => page,
    })
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
    let purpose = Purpose::read(site, &cx, &browser, query.params.find("request"))?;
    let (view, redirect_uri) = form(site, &cx, &browser, &purpose).await?;
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
    let purpose = Purpose::read(site, &cx, &browser, sent.find("request"))?;
    let (mut view, redirect_uri) = form(site, &cx, &browser, &purpose).await?;
    let username = sent.find("username").unwrap_or_default();
    let password = SecretString::from(sent.find("password").unwrap_or_default());
    let identified =
        match site.accounts.identify(&tenant, username, &password, &from.0, cx.now).await {
            Ok(identified) => identified,
            Err(refused) => {
                view.username = username.to_owned();
                return Err(again(site, view, redirect_uri.as_deref(), &refused));
            }
        };
    if purpose.means_another(site, &cx, &identified.user).await? {
        view.error = Some("The application asked for another account than this one.".into());
        let page = shown(site, &view, redirect_uri.as_deref()).with_status(Status::Forbidden);
        return Err(Answer::Page(page));
    }
    let token = site.accounts.device_token(&tenant, &identified.user);
    let device = cookies::device(&site.app.config, &tenant, token);
    let (kind, held) = (SessionKind::Browser, held.as_ref());
    let begun = sign_in_browser(&site.app, &tenant, &identified, kind, held, &from.0).await;
    let Some(new) = site.or_page(begun)? else {
        // Overtaken by a change of the user while the password was being hashed.
        view.username = username.to_owned();
        return Err(again(site, view, redirect_uri.as_deref(), &SignInRefused::Credentials));
    };
    jar.add(cookies::session(&site.app.config, &tenant, new.cookie));
    jar.add(device);
    Ok(purpose.way_on(&cx, &browser, identified.authentication.at))
}
