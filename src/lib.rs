//! ironsky: a Lua actor runtime whose locks are pluggable.
//!
//! The layers, from the ground up (a module uses lower layers only; `tests/tidy.rs` checks it):
//! [`sync`] and [`affinity`], then [`message`], [`codec`] and [`config`], then [`timer`] and
//! [`service`], then [`sched`], then [`node`], then [`lua`] and [`native`], and last [`cli`].

pub mod affinity;
pub mod cli;
pub mod codec;
pub mod config;
pub mod lua;
pub mod message;
pub mod native;
pub mod node;
pub mod sched;
pub mod service;
pub mod sync;
pub mod timer;
