//! The decoder of messages: no bytes make it panic, and what it reads can be written again.

#![no_main]

#[path = "../models/seri.rs"]
mod model;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| model::run(bytes));
