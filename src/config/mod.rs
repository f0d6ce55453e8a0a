//! The settings of a node, read from a config file.
//!
//! A config file is a Lua chunk whose global variables become the process environment: strings
//! that every service can read with `skynet.getenv`. The keys that the runtime itself uses are
//! read once, here, into the typed fields of [`Config`]; a default that is used is written into
//! the environment too, so that services see the same value.
//!
//! `cli` loads the file of the command line; Rust programs build a [`Config`] from pairs.
//!
//! The way of a file: `evaluate` runs the chunk (with `substitute` before and `place` to remember
//! where things stand), `settings` reads the typed fields, `environment` keeps the strings. `check`
//! goes the same way without starting anything and collects all that is wrong.

mod accessor;
mod affinity;
mod check;
mod environment;
mod error;
mod evaluate;
mod keys;
mod place;
mod settings;
mod spelling;
mod substitute;

pub use affinity::Affinity;
pub use check::{Finding, Severity, check};
pub use environment::{AlreadySet, Environment};
pub use error::ConfigError;
pub use evaluate::lua_release;
pub use place::Place;
pub use settings::{Config, SocketConfig};

#[cfg(test)]
mod tests;
