//! The `native` layer.

pub mod local_time;
pub mod log_line;
pub mod message_log;
