//! The message body format of `skynet.pack` and `skynet.unpack`.
//!
//! A body is a plain concatenation of values; its end is the end of the buffer. Each value starts
//! with one tag byte, `type | cookie << 3`; `docs/src/internals/seri.md` has the table.
//!
//! - [`Encoder`] and [`Decoder`] know single items (a number, a string, the head of a table) and
//!   are what the Lua bindings drive, straight from and to the Lua stack.
//! - [`Value`], with [`encode`] and [`decode`], is the whole tree, for native services and tests.
//!
//! Invariants:
//! 1. An integer takes its shortest form, chosen by sign and size; a float is always 9 bytes.
//! 2. A table at nesting level `d` holds values at level `d + 1`; no value may stand at a level
//!    above [`DEPTH_MAX`], when written and when read alike. The arguments are at level 0.
//! 3. Bytes never make a reader reserve more slots than the bytes that are left could fill.

mod decode;
mod encode;
mod pointer;
mod skip;
mod value;

pub use decode::{DecodeError, Decoder, Fault, Number, Token};
pub use encode::{EncodeError, Encoder};
pub use pointer::holds_pointer;
pub use skip::PairCounts;
pub use value::{Table, Value, decode, encode};

/// The deepest nesting level at which a value may stand.
pub const DEPTH_MAX: u32 = 32;

/// The types, in the low three bits of a tag byte.
pub(crate) mod kind {
    pub(crate) const NIL: u8 = 0;
    pub(crate) const BOOLEAN: u8 = 1;
    pub(crate) const NUMBER: u8 = 2;
    pub(crate) const POINTER: u8 = 3;
    pub(crate) const SHORT_STRING: u8 = 4;
    pub(crate) const LONG_STRING: u8 = 5;
    pub(crate) const TABLE: u8 = 6;
}

/// The cookies of a number and of the length of a long string, in the high five bits.
pub(crate) mod cookie {
    pub(crate) const ZERO: u8 = 0;
    pub(crate) const U8: u8 = 1;
    pub(crate) const U16: u8 = 2;
    pub(crate) const I32: u8 = 4;
    pub(crate) const U32: u8 = 4;
    pub(crate) const I64: u8 = 6;
    pub(crate) const F64: u8 = 8;
    /// The array length of a table follows as an integer.
    pub(crate) const LONG_ARRAY: u8 = 31;
}

/// The longest string whose length fits the tag.
pub(crate) const SHORT_STRING_MAX: usize = 31;
/// The longest array whose length fits the tag.
pub(crate) const SHORT_ARRAY_MAX: usize = 30;

/// Builds a tag byte.
pub(crate) const fn tag(kind: u8, cookie: u8) -> u8 {
    kind | cookie << 3
}

#[cfg(test)]
mod tests;
