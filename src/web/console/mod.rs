//! The console, under `/admin`.

mod audit;
mod clients;
mod confirm;
mod endings;
mod keys;
mod login;
mod sessions;
mod tenants;
mod users;

use std::sync::Arc;

use rocket::{
    Request, Route,
    http::Status,
    request::{FromRequest, Outcome},
    routes,
};
use serde_json::Value;

use super::{
    Site,
    answers::{Answer, Html, Shown, forged},
    cookies,
    guards::{Addressed, Browser, Form, NoTenant, Peer, SessionSeen, strict},
};
use crate::{
    accounts::{Visitor, find_visitor},
    admin::{Action, AdminError, Authority, Expected, Permit, Whom},
    domain::{Actor, Event, Origin, SessionKind, Tenant, User},
    protocol::{OauthError, Params},
    views::console::{Difference, Frame},
};

pub(super) fn routes() -> Vec<Route> {
    routes![
        login::home,
        login::show,
        login::submit,
        login::logout,
        tenants::list,
        tenants::new,
        tenants::create,
        tenants::show,
        tenants::update,
        tenants::suspend,
        tenants::resume,
        tenants::purge,
        clients::list,
        clients::new,
        clients::create,
        clients::show,
        clients::update,
        clients::delete,
        clients::create_secret,
        clients::delete_secret,
        users::list,
        users::new,
        users::create,
        users::show,
        users::update,
        users::delete,
        sessions::list,
        sessions::show,
        endings::confirm_session,
        endings::confirm_user,
        endings::confirm_client,
        endings::confirm_tenant,
        endings::end_session,
        endings::end_user,
        endings::end_client,
        endings::end_tenant,
        endings::show,
        keys::list,
        keys::rotate,
        keys::withdraw,
        audit::list,
    ]
}

/// Somebody who is signed in at the console, as the cookie shows them.
pub(super) struct Member {
    site: Arc<Site>,
    home: Arc<Tenant>,
    visitor: Visitor,
    authority: Authority,
    origin: Origin,
    browser: Browser,
}

impl Member {
    fn user(&self) -> &User {
        &self.visitor.user
    }

    /// What surrounds a page of `section`, for a tenant where one is looked at.
    fn frame(&self, section: &'static str, tenant: Option<&Tenant>) -> Frame {
        Frame {
            user: self.user().name.clone().unwrap_or_else(|| self.user().username.clone()),
            operator: self.authority.reaches_everywhere(),
            can_write: self.authority.allows(Action::ChangeUsers) > Whom::Nobody,
            can_end: self.authority.allows(Action::EndSessions) > Whom::Nobody,
            can_end_at_large: self.authority.allows(Action::EndAtLarge) > Whom::Nobody,
            can_reset: self.authority.allows(Action::ResetPasswords) > Whom::Nobody,
            csrf_token: self.browser.csrf_token(),
            slug: tenant.map(|tenant| tenant.slug.to_string()),
            tenant: tenant.map(|tenant| tenant.name.clone()),
            section,
        }
    }

    /// Proof that they reach the tenant of this slug.
    async fn permit(&self, slug: &str) -> Result<Permit, Answer> {
        let work = async {
            let tenant = crate::admin::find_tenant(&self.site.admin(), slug).await?;
            self.authority.over(&self.site.app, tenant)
        };
        work.await.map_err(|error| self.error_page(&error))
    }

    /// The form's fields, where it was shown to this browser.
    fn sent(&self, form: Result<Form, OauthError>) -> Result<Params, Answer> {
        let form = form.map_err(|error| Answer::Page(Html::error(&self.site, &error)))?;
        if self.browser.sent(&form) {
            return Ok(form.0);
        }
        let actor = Actor::User(self.user().id.to_string());
        self.site.app.audit.refused(
            &self.home,
            &actor,
            Event::FormForged { page: "console" },
            &self.origin,
        );
        Err(forged(&self.site))
    }

    fn refusal(&self, error: &AdminError) -> Shown {
        Err(self.error_page(error))
    }

    fn error_page(&self, error: &AdminError) -> Answer {
        let (status, title) = match error {
            AdminError::NotFound => (Status::NotFound, "There is nothing at this address"),
            AdminError::Forbidden(_) => (Status::Forbidden, "This is not allowed"),
            AdminError::Invalid(_) => (Status::BadRequest, "This cannot be accepted"),
            AdminError::Conflict(_) => (Status::Conflict, "This clashes with what is there"),
            AdminError::Stale => (Status::Conflict, "Somebody else was faster"),
            AdminError::Broken(why) => {
                tracing::error!(error = why, "the console met what cannot be worked with");
                let text = "The server cannot do this. Its operator has been told.";
                let status = Status::InternalServerError;
                return Answer::Page(Html::message(
                    &self.site,
                    status,
                    "This cannot be done",
                    text,
                ));
            }
            AdminError::Unavailable(why) => {
                tracing::warn!(
                    error = why,
                    "the console was kept from its work by a part that does not answer"
                );
                let text = "A part of the server does not answer. Nothing was changed; try again.";
                let page = Html::message(
                    &self.site,
                    Status::ServiceUnavailable,
                    "This cannot be done now",
                    text,
                );
                return Answer::Page(page);
            }
        };
        Answer::Page(Html::message(&self.site, status, title, &error.to_string()))
    }

    fn page(&self, view: &impl crate::views::Page) -> Shown {
        Ok(Answer::Page(Html::of(&self.site, view)))
    }

    /// The same of one on which our own scripts run.
    fn page_with_script(&self, view: &impl crate::views::Page) -> Shown {
        Ok(Answer::Page(Html::of(&self.site, view).with_script()))
    }

    /// A form again, with what was wrong with it.
    fn wrong(&self, view: &impl crate::views::Page, error: &AdminError) -> Shown {
        match error {
            AdminError::Invalid(_) => {
                Err(Answer::Page(Html::of(&self.site, view).with_status(Status::BadRequest)))
            }
            AdminError::Conflict(_) | AdminError::Stale => {
                Err(Answer::Page(Html::of(&self.site, view).with_status(Status::Conflict)))
            }
            other => self.refusal(other),
        }
    }
}

/// What is answered to somebody who is not signed in, or may not be here.
#[derive(Debug)]
pub(super) struct Outside(Answer);

impl From<Outside> for Answer {
    fn from(outside: Outside) -> Self {
        outside.0
    }
}

/// On to another page.
fn go(location: impl Into<String>) -> Shown {
    Ok(Answer::to(location))
}

/// Whether the address is one of the console's, or the page that says what is wrong with it.
fn check_address(site: &Site, request: &Request<'_>) -> Result<(), Html> {
    let page = |title: &str, text: &str| Html::message(site, Status::BadRequest, title, text);
    if let Err(wrong) = strict::check_page(request) {
        let text = format!("{}: {}", wrong.field, wrong.message);
        return Err(page("This address asks for what is not there", &text));
    }
    if !strict::is_storable_address(request) {
        return Err(page("This address cannot be", "There is a NUL byte in it."));
    }
    Ok(())
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Member {
    type Error = Outside;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Outside> {
        let Some(site) = request.rocket().state::<Arc<Site>>() else {
            return Outcome::Forward(Status::ServiceUnavailable);
        };
        let Outcome::Success(Peer(origin)) = Peer::from_request(request).await else {
            return Outcome::Forward(Status::ServiceUnavailable);
        };
        let Outcome::Success(browser) = Browser::from_request(request).await else {
            return Outcome::Forward(Status::ServiceUnavailable);
        };
        if let Err(page) = check_address(site, request) {
            return Outcome::Error((Status::BadRequest, Outside(Answer::Page(page))));
        }
        let cookie =
            request.cookies().get(cookies::CONSOLE).map(|cookie| cookie.value().to_owned());
        let to_login = || Outcome::Error((Status::SeeOther, Outside(Answer::to("/admin/login"))));
        let Some((slug, cookie)) = cookie.as_deref().and_then(|value| value.split_once('.')) else {
            return to_login();
        };
        let away = |why: OauthError| {
            let page = Html::error(site, &why);
            Outcome::Error((Status::ServiceUnavailable, Outside(Answer::Page(page))))
        };
        let home = match Addressed::find(site, slug).await {
            Ok(Addressed(home)) => home,
            Err(NoTenant::Away) => return away(OauthError::unavailable()),
            Err(NoTenant::Unknown | NoTenant::Suspended) => return to_login(),
        };
        match find_visitor(&site.app, &home, SessionKind::Console, cookie).await {
            Err(why) => away(OauthError::from(why)),
            Ok(None) => to_login(),
            Ok(Some(visitor)) => match Authority::of_user(&home, &visitor.user, origin.clone()) {
                Some(authority) => {
                    SessionSeen::of(request).set();
                    let site = Arc::clone(site);
                    Outcome::Success(Self { site, home, visitor, authority, origin, browser })
                }
                None => to_login(),
            },
        }
    }
}

type Signed = Result<Member, Outside>;

/// The version that a form was filled from; whatever it is now, where it does not say.
fn seen(form: &Params) -> Expected {
    match form.find("version").map(str::parse) {
        None => Expected::ANY,
        Some(version) => Expected::one_of(version.into_iter().collect()),
    }
}

/// What differs between a thing as it stands and what was typed, for people to compare.
fn differences(now: &Value, typed: &Value) -> Vec<Difference> {
    fn text(value: &Value) -> String {
        match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(", "),
            other => other.to_string(),
        }
    }
    let mut out = Vec::new();
    for (name, typed) in typed.as_object().into_iter().flatten() {
        let now = now.get(name).unwrap_or(&Value::Null);
        if typed.is_object() {
            out.extend(differences(now, typed));
        } else if text(now) != text(typed) {
            out.push(Difference { name: name.clone(), now: text(now), typed: text(typed) });
        }
    }
    out
}

/// The lines of a text field.
fn lines(text: Option<&str>) -> Vec<String> {
    text.unwrap_or_default()
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The address of the next page of a list, with the filter kept.
fn next_page(
    path: &str,
    filter: &[(&str, &str)],
    next: Option<String>,
) -> crate::views::console::Paging {
    let next = next.map(|next| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(filter.iter().filter(|(_, value)| !value.is_empty()));
        query.append_pair("after", &next);
        format!("{path}?{}", query.finish())
    });
    crate::views::console::Paging { next }
}
