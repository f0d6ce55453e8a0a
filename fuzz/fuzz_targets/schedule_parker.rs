//! Schedules of a parker with two wakers.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ironsky_models::schedules::parker(bytes));
