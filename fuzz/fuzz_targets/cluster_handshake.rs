//! Messages with which ends of cluster links show that they know a secret.

#![no_main]

#[path = "../models/cluster_handshake.rs"]
mod model;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| model::run(bytes));
