//! Answers of name servers: no bytes make the reader panic or go in a circle.

#![no_main]

#[path = "../models/dns.rs"]
mod model;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| model::run(bytes));
