//! The text of `--version`: what a bug report or a measurement should quote.

use crate::config::lua_release;
use crate::sync::describe;
use std::env::consts::{ARCH, OS};
use std::fmt;

/// What this build is made of.
pub(super) struct About {
    /// The allocator of the process; only the executable knows it.
    pub(super) allocator: &'static str,
}

impl fmt::Display for About {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "ironsky {}", env!("CARGO_PKG_VERSION"))?;
        writeln!(out, "lua:       {}", lua_release())?;
        writeln!(out, "strategy:  {}", describe())?;
        writeln!(out, "allocator: {}", self.allocator)?;
        writeln!(out, "target:    {ARCH}-{OS}")
    }
}
