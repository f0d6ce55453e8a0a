//! The `timer` layer.

pub mod wheel;
