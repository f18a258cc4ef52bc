//! What a token costs that was seen before, and a new one beside bare `jsonwebtoken`, in one run.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "it may stop where it stands, and nobody builds on it"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jsonwebtoken::{Algorithm, Validation};
use portcullis_guard::Guard;
use serde_json::{Value, json};
use support::{API, Issuer, StoppedClock};

const NEW: usize = 5_000;
const AGAIN: u32 = 500_000;
const ROUNDS: usize = 5;

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let issuer = Issuer::start().await;
    let key = issuer.key.verifies();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&[API]);
    validation.set_issuer(&[&issuer.url]);
    validation.validate_exp = false;
    let (mut bare, mut new, mut again) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let guard = Guard::for_audience(API)
            .issuer(&issuer.url)
            .clock(Arc::new(StoppedClock))
            .build()
            .unwrap();
        guard.verify(&issuer.token(&json!({}))).await.unwrap();
        let token = |at: usize| issuer.token(&json!({ "jti": format!("{round}-{at}") }));
        let tokens: Vec<String> = (0..NEW).map(token).collect();
        let began = Instant::now();
        for token in &tokens {
            jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap();
        }
        bare.push(began.elapsed());
        let began = Instant::now();
        for token in &tokens {
            guard.verify(token).await.unwrap();
        }
        new.push(began.elapsed());
        let began = Instant::now();
        for _ in 0..AGAIN {
            guard.verify(&tokens[NEW - 1]).await.unwrap();
        }
        again.push(began.elapsed());
    }
    let count = u32::try_from(NEW).unwrap();
    let (bare, new, again) = (median(bare) / count, median(new) / count, median(again) / AGAIN);
    println!("bare jsonwebtoken: {bare:?} a token");
    let ratio = new.as_secs_f64() / bare.as_secs_f64();
    println!("a new token at the guard: {new:?}, {ratio:.2} of that");
    println!("one that was seen before: {again:?}");
}
