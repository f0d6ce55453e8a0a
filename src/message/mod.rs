//! The `message` layer.
