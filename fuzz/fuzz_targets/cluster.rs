//! Packets of cluster links: what is read is written in the same bytes.

#![no_main]

#[path = "../models/cluster.rs"]
mod model;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| model::run(bytes));
