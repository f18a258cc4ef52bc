//! The pages.

use maud::{DOCTYPE, Markup, html};

/// What a browser may load and do on them: nothing but what they need. A form leads on to Portcullis, which a browser
/// counts as the form's action.
pub fn policy(issuer: &str) -> String {
    let origin = url::Url::parse(issuer).map(|it| it.origin().ascii_serialization());
    let origin = origin.unwrap_or_default();
    format!(
        "default-src 'none'; form-action 'self' {origin}; frame-ancestors 'none'; base-uri 'none'"
    )
}

fn page(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { (title) }
            }
            body { main { h1 { (title) } (body) } }
        }
    }
}

/// The first page.
pub fn home(name: Option<&str>) -> Markup {
    let body = match name {
        None => html! { p { a href="/login" { "Sign in" } } },
        Some(name) => html! {
            p { "Signed in as " (name) }
            p { a href="/reports" { "Reports" } }
            form method="post" action="/logout" { button { "Sign out" } }
        },
    };
    page("Acme", &body)
}

/// What the API has answered.
pub fn reports(text: &str) -> Markup {
    page("Reports", &html! { p { (text) } p { a href="/" { "Back" } } })
}

/// Something did not work, and what can be done.
pub fn trouble(title: &str, what: &str) -> Markup {
    page(title, &html! { p role="alert" { (what) } p { a href="/" { "Back" } } })
}
