//! Schedules of a lock that its holder may take again.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ironsky_models::schedules::reentrant(bytes));
