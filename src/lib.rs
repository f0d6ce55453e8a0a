//! ironsky: a Lua actor runtime whose locks are pluggable.
//!
//! It runs applications written for skynet: Lua services, each with a state of its own, that send
//! each other messages. The `ironsky` executable is a thin shell around this library; a program
//! that wants services written in Rust, or Lua modules written in Rust, uses the library itself.
//!
//! # A node in a Rust program
//!
//! [`app::App`] puts a node together; [`service::Service`] is what a service implements.
//!
//! ```
//! use ironsky::app::App;
//! use ironsky::config::Config;
//! use ironsky::message::{Kind, Message};
//! use ironsky::node::Context;
//! use ironsky::service::Service;
//! use std::time::Duration;
//!
//! /// Answers with what it was sent.
//! struct Echo(Context);
//!
//! impl Service for Echo {
//!     fn dispatch(&mut self, message: Message) {
//!         self.0.respond(&message, message.payload.as_bytes());
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // This node has no Lua services: its first service is ours.
//! let config = Config::from_pairs([("harbor", "0"), ("thread", "2"), ("bootstrap", "echo")])?;
//! let app = App::new(config).service("echo", |context, _| Ok(Box::new(Echo(context.clone()))));
//! let running = app.start()?;
//!
//! let echo = running.node().launch("echo", None).ok_or("the log says why")?;
//! let caller = running.node().caller()?;
//! let answer = caller.call(echo, Kind::TEXT, "hello", Duration::from_secs(10))?;
//! assert_eq!(answer.as_bytes(), b"hello");
//! assert_eq!(running.stop()?, 0);
//! # Ok(())
//! # }
//! ```
//!
//! `examples/native_service.rs` has a service that Lua calls, `examples/native_module.rs` a Lua
//! module; the guide is in `docs/src/guide/embedding.md`.
//!
//! # Layers
//!
//! From the ground up (a module uses lower layers only; `tests/tidy.rs` checks it): [`sync`] and
//! [`affinity`], then [`message`], [`codec`] and [`config`], then [`timer`], [`net`], [`tls`] and
//! [`service`], then [`sched`], then [`node`], then [`lua`], [`native`] and `lab`, and last [`app`]
//! and [`cli`].

pub mod affinity;
pub mod app;
pub mod cli;
pub mod codec;
pub mod config;
#[cfg(feature = "lab")]
pub mod lab;
pub mod lua;
pub mod message;
pub mod native;
pub mod net;
pub mod node;
pub mod sched;
pub mod service;
pub mod sync;
pub mod timer;
pub mod tls;
