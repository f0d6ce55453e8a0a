//! The `config` layer.

mod environment;

pub use environment::{AlreadySet, Environment};
