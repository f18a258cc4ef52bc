//! The program while there is no Portcullis.

#![allow(clippy::unwrap_used, clippy::panic, reason = "it may stop where it stands")]

#[path = "../../axum/tests/alone/mod.rs"]
mod alone;

#[tokio::test]
async fn it_starts_and_says_what_cannot_be_had() {
    alone::starts_and_says_what_cannot_be_had(env!("CARGO_BIN_EXE_example-rocket")).await;
}
