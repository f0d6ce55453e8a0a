//! Schedules of a mailbox: senders, workers, a closer.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ironsky_models::schedules::mailbox(bytes));
