//! Lua services: one Lua state each, run by the scheduler through native dispatch.
//!
//! The way of a message: `service.rs` gets it from the scheduler, `dispatch.rs` finds the waiting
//! coroutine or starts one, `engine.rs` resumes it and keeps the run order, and `native/` holds
//! what user code calls: `call.rs` packs, posts and yields in one function.
//!
//! | file | what |
//! |---|---|
//! | `vm.rs` | the state beside a Lua state, and the safety rules of this folder |
//! | `boot.rs`, `modules.rs`, `codecache.rs`, `library.rs` | how scripts and modules are found |
//! | `task.rs`, `engine.rs`, `dispatch.rs` | coroutines, their order, messages |
//! | `native/`, `core.rs`, `coroutine.rs`, ... | the Lua modules, one file each |
//!
//! Rust programs add native modules with [`Runtime::register_module`].

mod account;
mod boot;
mod bytes;
mod calls;
mod client_socket;
mod cluster;
mod codecache;
mod core;
mod coroutine;
mod crypt;
mod debugchannel;
mod dispatch;
mod dns;
mod engine;
mod error;
mod failures;
mod heap;
mod http;
mod inspect;
mod json;
mod later;
mod library;
mod md5;
mod memory;
mod modules;
mod multicast;
mod native;
mod netpack;
mod profile;
mod runtime;
mod send;
pub mod seri;
mod service;
mod shared;
mod socket;
mod sproto;
mod stdin;
mod stdlib;
mod stm;
mod task;
mod tls;
mod trace;
mod trap;
mod unhandled;
mod vm;
mod wanted;

pub use library::embedded;
pub use memory::return_unused_memory;
/// The crate that native Lua modules are written with, in the version that the runtime uses.
pub use mlua;
pub use runtime::Runtime;
