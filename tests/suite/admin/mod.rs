mod api;
mod console;
mod description;
mod endings;
mod file;
mod passwords;
mod questions;
