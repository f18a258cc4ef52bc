//! Templates, embedded in the binary and parsed once.

use serde::Serialize;
use tera::{Context, Kwargs, State, Tera};

macro_rules! templates {
    ($($name:literal),* $(,)?) => {
        // The names end in .html: Tera escapes those and no others.
        &[$(($name, include_str!(concat!("../../templates/", $name)))),*]
    };
}

const TEMPLATES: &[(&str, &str)] = templates![
    "admin/confirm.html",
    "base.html",
    "message.html",
    "account/login.html",
    "account/consent.html",
    "account/form_post.html",
    "account/logout.html",
    "account/show.html",
    "admin/base.html",
    "admin/parts/differences.html",
    "admin/login.html",
    "admin/tenants/index.html",
    "admin/tenants/new.html",
    "admin/tenants/show.html",
    "admin/clients/index.html",
    "admin/clients/edit.html",
    "admin/clients/secret.html",
    "admin/users/index.html",
    "admin/users/edit.html",
    "admin/sessions/index.html",
    "admin/sessions/show.html",
    "admin/sessions/confirm.html",
    "admin/sessions/ended.html",
    "admin/keys/index.html",
    "admin/audit/index.html",
    "api/docs.html",
];

/// What a page shows: one type a template.
pub trait Page: Serialize {
    /// The template that shows it.
    const TEMPLATE: &'static str;
}

/// A page that could not be made: a template asks for what its view does not have.
#[derive(Debug, thiserror::Error)]
#[error("template {template}: {why}")]
pub struct RenderError {
    template: &'static str,
    why: String,
}

/// Renders pages.
pub struct Renderer(Tera);

impl Renderer {
    /// Parses every template.
    ///
    /// # Errors
    /// A template that does not parse.
    pub fn new() -> Result<Self, RenderError> {
        let mut tera = Tera::new();
        tera.register_filter("when", |at: &str, _: Kwargs, _: &State<'_>| when(at));
        let added = tera.add_raw_templates(TEMPLATES.to_vec());
        added.map_err(|why| RenderError { template: "all", why: describe(&why) })?;
        Ok(Self(tera))
    }

    /// The page as HTML.
    ///
    /// # Errors
    /// [`RenderError`].
    pub fn render<P: Page>(&self, page: &P) -> Result<String, RenderError> {
        let failed = |why: tera::Error| RenderError { template: P::TEMPLATE, why: describe(&why) };
        let context = Context::from_serialize(page).map_err(failed)?;
        self.0.render(P::TEMPLATE, &context).map_err(failed)
    }
}

/// An RFC 3339 instant as people read it: to the second, in UTC.
fn when(at: &str) -> String {
    match at.get(..19) {
        Some(instant) if at.ends_with('Z') => format!("{} UTC", instant.replace('T', " ")),
        _ => at.to_owned(),
    }
}

fn describe(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", describe(source)),
        None => error.to_string(),
    }
}
