//! Templates, embedded in the binary and parsed once.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use tera::{Context, Kwargs, State, Tera};

/// A file of `templates/`.
#[derive(Debug, Clone, Copy)]
pub struct Template {
    /// Its path there. It ends in `.html`: Tera escapes those and no others.
    pub name: &'static str,
    source: &'static str,
}

impl Template {
    /// What `template!` makes.
    pub(super) const fn new(name: &'static str, source: &'static str) -> Self {
        Self { name, source }
    }
}

/// The file of `templates/` with this path.
macro_rules! template {
    ($name:literal) => {
        $crate::views::Template::new(
            $name,
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/", $name)),
        )
    };
}
pub(super) use template;

/// What pages are made of.
pub const PARTS: &[Template] = &[
    template!("parts/base.html"),
    template!("parts/card.html"),
    template!("parts/console.html"),
    template!("parts/differences.html"),
    template!("parts/form.html"),
    template!("parts/tab.html"),
    template!("parts/table.html"),
    template!("parts/text.html"),
];

/// What a page shows: one type a template.
pub trait Page: Serialize + Sized {
    /// The template that shows it.
    const TEMPLATE: Template;

    /// Values that between them take every branch of the template worth seeing, each with a name of
    /// its own.
    fn samples() -> Vec<(&'static str, Self)>;
}

/// A page as one of all of them, whatever it shows.
#[derive(Debug, Clone, Copy)]
pub struct AnyPage {
    /// The template that shows it.
    pub template: Template,
    samples: fn() -> Result<Vec<Sample>, RenderError>,
}

/// A value of a page, as its template meets it.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Its name among those of its page.
    pub name: &'static str,
    /// What is shown.
    pub view: Value,
}

impl AnyPage {
    /// `P`, to stand in a list of pages.
    pub(super) const fn of<P: Page>() -> Self {
        Self { template: P::TEMPLATE, samples: samples_of::<P> }
    }

    /// Its samples.
    ///
    /// # Errors
    /// One that cannot be handed to a template.
    pub fn samples(&self) -> Result<Vec<Sample>, RenderError> {
        (self.samples)()
    }
}

fn samples_of<P: Page>() -> Result<Vec<Sample>, RenderError> {
    let to_sample = |(name, page): (&'static str, P)| match serde_json::to_value(page) {
        Ok(view) => Ok(Sample { name, view }),
        Err(why) => Err(RenderError { template: P::TEMPLATE.name, why: why.to_string() }),
    };
    P::samples().into_iter().map(to_sample).collect()
}

/// A page that could not be made: a template asks for what its view does not have.
#[derive(Debug, thiserror::Error)]
#[error("template {template}: {why}")]
pub struct RenderError {
    template: &'static str,
    why: String,
}

/// Renders pages.
#[derive(Debug, Clone)]
pub struct Renderer(Arc<Tera>);

impl Renderer {
    /// Parses every template.
    ///
    /// # Errors
    /// A template that does not parse.
    pub fn new() -> Result<Self, RenderError> {
        let mut tera = Tera::new();
        tera.register_filter("when", |at: &str, _: Kwargs, _: &State<'_>| when(at));
        let pages = super::all().map(|page| page.template);
        let templates = PARTS.iter().copied().chain(pages);
        let sources: Vec<_> = templates.map(|template| (template.name, template.source)).collect();
        let added = tera.add_raw_templates(sources);
        added.map_err(|why| RenderError { template: "all", why: describe(&why) })?;
        Ok(Self(Arc::new(tera)))
    }

    /// The page as HTML.
    ///
    /// # Errors
    /// [`RenderError`].
    pub fn render<P: Page>(&self, page: &P) -> Result<String, RenderError> {
        self.render_as(P::TEMPLATE, page)
    }

    /// What `template` makes of `view`.
    ///
    /// # Errors
    /// [`RenderError`].
    pub fn render_as(
        &self,
        template: Template,
        view: &impl Serialize,
    ) -> Result<String, RenderError> {
        let failed =
            |why: tera::Error| RenderError { template: template.name, why: describe(&why) };
        let context = Context::from_serialize(view).map_err(failed)?;
        self.0.render(template.name, &context).map_err(failed)
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
