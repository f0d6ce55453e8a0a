//! The text of `--version`: what a bug report or a measurement should quote.

use crate::config::lua_release;
use std::env::consts::{ARCH, OS};
use std::fmt;

/// What this build is made of, as far as only its parts know it.
#[derive(Debug, Clone)]
pub struct About {
    /// One line for each role: which lock or queue strategy is in effect.
    pub strategies: String,
    /// The allocator of the process.
    pub allocator: &'static str,
}

impl fmt::Display for About {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "ironsky {}", env!("CARGO_PKG_VERSION"))?;
        writeln!(out, "lua:       {}", lua_release())?;
        for line in self.strategies.lines() {
            writeln!(out, "{line}")?;
        }
        writeln!(out, "allocator: {}", self.allocator)?;
        writeln!(out, "target:    {ARCH}-{OS}")
    }
}
