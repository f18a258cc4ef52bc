mod api;
mod console;
mod file;
