//! The timer wheel beside a binary heap.

#![no_main]

#[path = "../models/timer.rs"]
mod model;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| model::run(bytes));
