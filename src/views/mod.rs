//! The pages: what each shows, and rendering it.
//!
//! A new page is a file here, its template, and its line in the list of its folder.

pub mod console;
pub mod pages;
mod parts;
mod render;
pub mod snippets;

pub use parts::Hidden;
pub use render::{AnyPage, PARTS, Page, RenderError, Renderer, Sample, Template};

use render::template;

/// Every page there is.
pub fn all() -> impl Iterator<Item = AnyPage> {
    [pages::ALL, console::ALL].into_iter().flatten().copied()
}
