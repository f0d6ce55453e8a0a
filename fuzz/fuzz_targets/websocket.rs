//! Heads of WebSocket frames: what is read can be written again.

#![no_main]

#[path = "../models/websocket.rs"]
mod model;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| model::run(bytes));
