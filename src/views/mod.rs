//! The pages: what each shows, and rendering it.

pub mod account;
pub mod admin;
mod render;

pub use render::{Page, RenderError, Renderer};
