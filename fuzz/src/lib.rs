//! What must hold whatever bytes a stranger sends: one module for each reader, each with a `check`
//! that panics where it does not hold.
//!
//! libFuzzer calls them (`fuzz/targets/`, `make fuzz`), and so does the suite, with what was found
//! (`fuzz/cases/`) and what to start from (`fuzz/seeds/`).

#![allow(unreachable_pub, reason = "in the suite nobody outside of it reaches them")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what is wrong is to stop it"
)]

pub mod apply;
pub mod basic;
pub mod cursor;
pub mod jwt;
pub mod refresh_token;
