//! Schedules of the whole scheduler.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ironsky_models::schedules::whole(bytes));
