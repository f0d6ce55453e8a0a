//! Schedules of a run queue with workers that sleep.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ironsky_models::schedules::run_queue(bytes));
