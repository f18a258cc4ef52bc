//! A model of how the server ends things, in which a checker takes every possible order of steps.
//!
//! The sentence that has to hold is in `truth`; `design` checks it for the design, `flaws` shows
//! that each part of the design is needed, and `instants` shows how the old rule failed. The
//! variable `PORTCULLIS_MODEL=large` makes the configurations larger (use `--release` for that).
#![cfg(test)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop where it stands"
)]

mod check;
mod design;
mod endings;
mod flaws;
mod instants;
mod issuing;
mod looking;
mod memory;
mod model;
mod setup;
mod state;
mod truth;
mod verify;
