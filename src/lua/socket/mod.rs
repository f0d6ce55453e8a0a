//! The module `skynet.socketdriver`: the sockets of the node for Lua code. Spec: network section 3.
//!
//! | file | what is in it |
//! |---|---|
//! | `arguments.rs` | addresses and data among the arguments |
//! | `open.rs` | functions that make sockets |
//! | `control.rs` | functions for a socket that exists |
//! | `info.rs` | `info` and `resolve` |
//! | `events.rs` | what a socket message says |
//! | `buffer.rs` | the buffer for what has come in |
//! | `stream.rs` | `skynet.socket.native`: what the library keeps of its sockets |
//! | `read.rs` | its functions that read |

mod arguments;
mod buffer;
mod control;
mod events;
mod info;
mod open;
mod read;
pub(super) mod stream;

use std::ffi::c_int;

use mlua::ffi::{lua_Integer, lua_State, lua_createtable, luaL_checkinteger};

use super::native::set_functions;
use super::vm::vm_of;
use crate::net::{Net, SocketId};

/// Opens the module.
pub(super) unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        lua_createtable(l, 0, 32);
        set_functions(
            l,
            &[
                (c"connect", open::connect),
                (c"listen", open::listen),
                (c"bind", open::bind),
                (c"udp", open::udp),
                (c"udp_connect", open::udp_connect),
                (c"udp_dial", open::udp_dial),
                (c"udp_listen", open::udp_listen),
                (c"start", control::start),
                (c"pause", control::pause),
                (c"close", control::close),
                (c"shutdown", control::shutdown),
                (c"nodelay", control::nodelay),
                (c"silence", control::silence),
                (c"send", control::send),
                (c"lsend", control::lsend),
                (c"udp_send", control::udp_send),
                (c"udp_address", info::udp_address),
                (c"resolve", info::resolve),
                (c"info", info::info),
                (c"unpack", events::unpack),
                (c"buffer", buffer::buffer),
                (c"push", buffer::push),
                (c"pop", buffer::pop),
                (c"readall", buffer::readall),
                (c"readline", buffer::readline),
                (c"clear", buffer::clear),
                (c"drop", buffer::drop_block),
                (c"header", buffer::header),
                (c"str2p", buffer::str2p),
            ],
        );
        1
    }
}

/// Returns the sockets of the node.
///
/// # Safety
/// Rule 1; the node outlives the service.
unsafe fn net_of<'a>(l: *mut lua_State) -> &'a Net {
    // SAFETY: as the caller's.
    unsafe { (*vm_of(l)).context.node().net() }
}

/// Reads a socket's id.
///
/// # Safety
/// `l` runs.
unsafe fn socket_id(l: *mut lua_State, index: c_int) -> SocketId {
    // SAFETY: a plain API call.
    let number: lua_Integer = unsafe { luaL_checkinteger(l, index) };
    // What no id can be is the id of no socket.
    SocketId::new(i32::try_from(number).unwrap_or(0))
}
