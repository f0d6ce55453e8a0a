//! The `timer` layer.
