//! The text of a config file: read, or a finding that says where it is wrong.

#![no_main]

#[path = "../models/config.rs"]
mod model;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| model::run(bytes));
