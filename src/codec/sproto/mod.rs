//! sproto: typed messages in few bytes. Spec: wire part B.
//!
//! | file | what |
//! |---|---|
//! | `grammar.rs`, `compile.rs` | a schema's text to its compiled form, the *bundle* |
//! | `schema.rs` | a bundle to types, fields and protocols |
//! | `read.rs`, `write.rs` | single items of a message |
//! | `pack.rs` | leaving out zero bytes |
//!
//! The bindings of Lua walk a type's fields with [`Fields`] and [`Writer`], straight from and to
//! the Lua stack; [`check`] walks them without Lua. A bundle is a message of the same form.
//!
//! A message is a count of slots, the slots (16 bits each), and data. A slot is a small value in
//! place, a reference to the next item of the data, or a gap in the tags.

mod check;
mod compile;
mod grammar;
mod pack;
mod read;
mod schema;
mod write;

pub use check::check;
pub use compile::{CompileError, compile};
pub use pack::{pack, packed_len_max, unpack, unpacked_room};
pub use read::{Fields, Items, Malformed, Numbers, Slot, boolean, double, integer};
pub use schema::{Field, Index, Kind, Protocol, Schema, Type};
pub use write::{Open, WriteError, Writer, scaled};

/// The most structs in each other when a message is written; one more may be read.
pub const DEPTH_MAX: u32 = 64;

/// The most bytes of a message.
pub const BYTES_MAX: usize = 0x0100_0000;

/// The largest value that stands in a slot.
pub const INLINE_MAX: i64 = 0x7ffe;

#[cfg(test)]
mod tests;
