mod api;
mod consents;
mod console;
mod description;
mod endings;
mod file;
mod passwords;
mod questions;
