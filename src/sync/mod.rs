//! The `sync` layer.
mod next_slot;
pub use next_slot::NextSlot;
