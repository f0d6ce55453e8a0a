//! The lines of a login handshake: any of them end with a token or a refusal.

#![no_main]

#[path = "../models/login.rs"]
mod model;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| model::run(bytes));
