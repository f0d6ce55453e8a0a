//! The `lua` layer.
