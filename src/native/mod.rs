//! The `native` layer.
