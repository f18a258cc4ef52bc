//! How a sign-in in progress goes from page to page.

use super::{
    Site,
    answers::{Answer, Html, authorization},
    guards::Browser,
};
use crate::oauth::{
    Cx,
    authorize::{AuthorizeError, Next},
    interaction::Interaction,
};

/// What a page of this browser has given back.
pub(super) fn opened(
    site: &Site,
    cx: &Cx<'_>,
    browser: &Browser,
    text: &str,
) -> Result<Interaction, Answer> {
    Interaction::open(cx, browser.name(), text)
        .map_err(|error| Answer::Page(Html::error(site, &error)))
}

/// The address of one of our pages, for a sign-in in progress.
pub(super) fn page(
    cx: &Cx<'_>,
    name: &str,
    browser: &Browser,
    interaction: &Interaction,
) -> Answer {
    Answer::to(format!(
        "/t/{}/{name}?{}",
        cx.tenant.slug,
        query("request", &interaction.seal(cx, browser.name()))
    ))
}

/// Where a sign-in goes on whose user has just proved who they are.
pub(super) fn way_on(cx: &Cx<'_>, browser: &Browser, interaction: &Interaction) -> Answer {
    let sealed = query("interaction", &interaction.seal(cx, browser.name()));
    Answer::to(format!("/t/{}/oauth2/authorize?{sealed}", cx.tenant.slug))
}

fn query(name: &str, value: &str) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish()
}

/// The page or the answer that was decided on.
pub(super) fn next_step(
    site: &Site,
    cx: &Cx<'_>,
    browser: &Browser,
    interaction: &Interaction,
    next: Result<Next, AuthorizeError>,
) -> Answer {
    match next {
        Ok(Next::Login { .. }) => page(cx, "login", browser, interaction),
        Ok(Next::Consent(_)) => page(cx, "consent", browser, interaction),
        Ok(Next::Respond(response)) => authorization::respond(site, response),
        Err(error) => authorization::refuse(site, error),
    }
}
