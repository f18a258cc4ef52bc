//! `fuzz/src/refresh_token.rs` under libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| portcullis_fuzz::refresh_token::check(data));
