//! The `lua` layer.

pub mod seri;
