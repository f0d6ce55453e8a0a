//! Heads of HTTP and sizes of chunks: more bytes behind them change nothing.

#![no_main]

#[path = "../models/http.rs"]
mod model;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| model::run(bytes));
