//! Schedules of the phase-fair lock.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ironsky_models::schedules::rw_fair(bytes));
