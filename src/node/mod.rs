//! The `node` layer.

pub mod daemon;
