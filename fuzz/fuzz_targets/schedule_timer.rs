//! Schedules of timeouts while the timer thread fires.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ironsky_models::schedules::timer(bytes));
