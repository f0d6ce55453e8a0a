//! Bytes to values and back, with no I/O and no Lua: one module a wire format.
//!
//! Callers are the Lua bindings, native services and the network layer. Every decoder takes bytes
//! from strangers: it answers malformed input with an error value and never panics.

pub mod cluster;
pub mod crypt;
pub mod dns;
pub mod harbor;
pub mod http;
pub mod netpack;
pub mod seri;
pub mod sproto;
pub mod websocket;
