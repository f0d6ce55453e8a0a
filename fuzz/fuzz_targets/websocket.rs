//! WebSocket frames: read as they would be written.

#![no_main]

#[path = "../models/websocket.rs"]
mod model;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| model::run(bytes));
