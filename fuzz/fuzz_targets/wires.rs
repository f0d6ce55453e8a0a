//! A node that strangers talk to over its ports: whatever they send, it answers the next one.

#![no_main]

#[path = "../models/wires.rs"]
mod model;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| model::run(bytes));
