//! Frames between harbors: the same in whatever pieces they arrive.

#![no_main]

#[path = "../models/harbor.rs"]
mod model;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| model::run(bytes));
