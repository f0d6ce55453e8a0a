//! The `codec` layer.
