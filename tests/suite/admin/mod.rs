mod api;
mod console;
mod file;
mod passwords;
mod questions;
