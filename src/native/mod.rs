//! Services written in Rust that come with the node: the log service, the harbor and the gate; and
//! what runs services written in C.

pub mod capi;
mod gate;
mod harbor;
pub mod local_time;
pub mod log_line;
mod logger;
pub mod message_log;
mod recorder;

pub use recorder::open as open_message_log;

use crate::node::Modules;

/// Lets a node launch the native services.
pub fn install(modules: &mut Modules) {
    modules.register("logger", logger::Logger::start);
    modules.register("harbor", harbor::Harbor::start);
    modules.register("gate", gate::Gate::start);
}
