//! What is answered: pages, JSON, problems, and responses to clients.

pub(crate) mod authorization;
mod json;
mod page;
mod problem;
mod sign_in;

pub(crate) use json::{Document, Json, SeeOther, Versioned, WithStatus, json};
pub(crate) use page::{Answer, Html, Shown, forged};
pub(crate) use problem::Problem;
pub(crate) use sign_in::refused_sign_in;
