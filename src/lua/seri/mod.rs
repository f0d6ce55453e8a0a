//! `skynet.pack` and `skynet.unpack`: message bodies straight from and to the Lua stack.
//!
//! The dispatcher calls [`pack`], [`unpack`] and [`unpack_owned`]; Lua code calls the functions
//! named `l_*`, which `skynet.core` registers. The bytes are those of [`crate::codec::seri`].
//!
//! Lua leaves a function with `longjmp` when it raises an error, and that runs no destructor.
//! Hence the rules of this folder:
//! 1. Packing owns a buffer, so while it runs nothing raises: only Lua functions that never raise
//!    are called, and those that may (`__pairs`, iterators) run inside a protected call. A failure
//!    travels up as a value, the buffer goes back, and then [`pack`] raises.
//! 2. Unpacking owns nothing, in any of its frames, so every Lua function may raise there.
//! 3. No code here panics: foreign bytes and foreign values end as error values.
//!
//! Payload blocks come from the C library's `malloc` and go to its `free`, because Lua code and C
//! services may hold them; each has a NUL behind its end, which is not counted.

mod external;
mod functions;
mod keys;
mod pack;
mod pairs;
mod scratch;
mod unpack;
mod walk;

pub use functions::{l_pack, l_packstring, l_tostring, l_trash, l_unpack};
pub use pack::{Packed, pack};
pub use unpack::{unpack, unpack_owned};

#[cfg(test)]
mod tests;
