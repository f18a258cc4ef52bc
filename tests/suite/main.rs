//! The tests: one binary, real parts, a clock that is set.
//!
//! They run on SQLite, and on PostgreSQL with Redis where `PORTCULLIS_TEST_BACKEND=postgres`.
//! Security rows bear the ids of the security catalogue (`attacks/`, `faults/`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    missing_docs,
    reason = "it may stop where it stands, and nobody builds on it"
)]

mod admin;
mod attacks;
mod browser;
mod cli;
mod docs;
mod documents;
mod faults;
mod first_party;
mod flow;
mod fuzz;
mod guard;
mod init;
mod layout;
mod logging;
mod oauth;
mod plans;
#[path = "../../guard/tests/support/programs.rs"]
mod programs;
mod properties;
mod shell;
mod support;
mod third_party;
mod views;
