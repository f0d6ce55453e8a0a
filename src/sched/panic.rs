//! The text of a panic, for the log. Called where the panics of services are caught: at their
//! start, in their handlers, and when they are dropped.

use std::any::Any;

/// Returns what a panic was raised with, if that was a text.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a text")
}
