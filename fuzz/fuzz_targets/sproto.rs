//! sproto: schemas, bundles, messages and packed bytes; none makes it panic.

#![no_main]

#[path = "../models/sproto.rs"]
mod model;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| model::run(bytes));
