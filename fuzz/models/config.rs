//! Bytes that claim to be a config file: read, or refused with a text, never a panic.
//!
//! A config is a Lua chunk, so texts that could loop or open files are left out: what is looked for
//! is in the reading of the values, in the substitution of variables and in the places of errors.
//!
//! The fuzz target calls [`run`], and so does `tests/fuzz.rs` with random and committed bytes.

use ironsky::config::Config;
use std::path::Path;

/// Words without which a chunk neither loops nor opens a file.
const LEFT_OUT: [&str; 6] = ["for", "while", "repeat", "goto", "function", "include"];

/// Reads a config; panics where a refusal says nothing.
pub(crate) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if LEFT_OUT.iter().any(|word| text.contains(word)) {
        return;
    }
    if let Err(error) = Config::from_text("fuzzed", text, Path::new(".")) {
        assert!(!error.to_string().is_empty(), "a refusal says why");
    }
}
