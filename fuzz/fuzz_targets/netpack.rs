//! Packets behind their length: the same ones however the stream is cut.

#![no_main]

#[path = "../models/netpack.rs"]
mod model;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| model::run(bytes));
