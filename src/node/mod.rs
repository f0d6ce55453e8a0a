//! The `node` layer.
