//! Mailboxes and the registry beside a plain model.

#![no_main]

#[path = "../models/mailbox.rs"]
mod model;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| model::run(bytes));
