//! The head of an HTTP message and a chunked body: taken apart, or refused.

#![no_main]

#[path = "../models/http.rs"]
mod model;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| model::run(bytes));
