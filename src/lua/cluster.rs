//! The module `skynet.cluster.core`: packets of cluster links for the services that send and get
//! them. Spec: cluster section C.3.
//!
//! Bodies come and go as blocks of the C heap (a light userdata and a size), as everywhere in
//! skynet's API; packets are strings.
//!
//! | file | what is in it |
//! |---|---|
//! | `cluster.rs` | the module, what its files share, small functions |
//! | `request.rs` | requests, pushes, trace tags |
//! | `response.rs` | responses |
//! | `parts.rs` | lists of parts |

mod parts;
mod request;
mod response;

pub(super) mod handshake;

use std::ffi::{c_char, c_int};
use std::ptr;
use std::slice;

use mlua::ffi::{
    self, LUA_TLIGHTUSERDATA, LUA_TSTRING, lua_Integer, lua_State, lua_createtable,
    lua_pushboolean, lua_pushinteger, lua_pushlightuserdata, lua_pushlstring, lua_tolstring,
    lua_touserdata, lua_type, luaL_Buffer, luaL_checkinteger, luaL_checklstring,
};

use super::native::set_functions;
use crate::codec::cluster::Head;
use crate::codec::seri::holds_pointer;
use crate::message::Payload;

/// Opens the module.
pub(super) unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        lua_createtable(l, 0, 11);
        set_functions(
            l,
            &[
                (c"packrequest", request::pack_request),
                (c"packpush", request::pack_push),
                (c"packtrace", request::pack_trace),
                (c"unpackrequest", request::unpack_request),
                (c"packresponse", response::pack_response),
                (c"unpackresponse", response::unpack_response),
                (c"append", parts::append),
                (c"concat", parts::concat),
                (c"isname", is_name),
                (c"haspointer", has_pointer),
                (c"nodename", node_name),
            ],
        );
        1
    }
}

/// Pushes head and body as one string.
unsafe fn push_packet(l: *mut lua_State, head: Head, body: &[u8]) {
    let head = head.as_bytes();
    let len = head.len() + body.len();
    let mut buffer = std::mem::MaybeUninit::<luaL_Buffer>::uninit();
    // SAFETY: the buffer has room for both, and Lua initialises it.
    unsafe {
        let start: *mut c_char = ffi::luaL_buffinitsize(l, buffer.as_mut_ptr(), len);
        ptr::copy_nonoverlapping(head.as_ptr(), start.cast(), head.len());
        ptr::copy_nonoverlapping(body.as_ptr(), start.add(head.len()).cast(), body.len());
        ffi::luaL_pushresultsize(buffer.as_mut_ptr(), len);
    }
}

/// Pushes a text whose owner drops it afterwards.
unsafe fn push_text(l: *mut lua_State, text: &str) {
    // SAFETY: running out of memory right here would leak the text.
    unsafe { lua_pushlstring(l, text.as_ptr().cast(), text.len()) };
}

/// Pushes a copy in a block that the caller of the function owns, and its size.
unsafe fn push_block(l: *mut lua_State, bytes: &[u8]) {
    let (start, len) = Payload::copy_of(bytes).into_raw();
    // SAFETY: neither of these raises.
    unsafe {
        lua_pushlightuserdata(l, start.cast());
        lua_pushinteger(l, len as lua_Integer);
    }
}

/// `isname(x)`: true for a string that begins with `@`, otherwise nothing.
unsafe extern "C-unwind" fn is_name(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        if lua_type(l, 1) != LUA_TSTRING || string_at(l, 1).first() != Some(&b'@') {
            return 0;
        }
        lua_pushboolean(l, 1);
        1
    }
}

/// `haspointer(text)` or `(block, size)`: whether packed values hold a light userdata, which means
/// nothing in another process.
unsafe extern "C-unwind" fn has_pointer(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; a string stays an argument while it is read.
    unsafe {
        let body = match lua_type(l, 1) {
            LUA_TSTRING => string_at(l, 1),
            _ => block_at(l, 1),
        };
        lua_pushboolean(l, c_int::from(holds_pointer(body)));
        1
    }
}

/// `nodename()`: the name of the host and the number of the process.
unsafe extern "C-unwind" fn node_name(l: *mut lua_State) -> c_int {
    let name = format!("{}{}", host_name(), std::process::id());
    // SAFETY: Lua calls this.
    unsafe { push_text(l, &name) };
    1
}

/// The host's name without blanks and control characters, `noname` when it has none.
fn host_name() -> String {
    let mut bytes = [0_u8; 256];
    // SAFETY: the last byte stays 0 whatever the call writes.
    let failed = unsafe { libc::gethostname(bytes.as_mut_ptr().cast(), bytes.len() - 1) } != 0;
    let len = bytes.iter().position(|byte| *byte == 0).unwrap_or(0);
    if failed || len == 0 {
        return "noname".into();
    }
    let visible = |byte: &u8| if *byte <= b' ' { '_' } else { char::from(*byte) };
    bytes[..len].iter().map(visible).collect()
}

/// The block and size that stand at an index and the one behind it.
unsafe fn block_at<'a>(l: *mut lua_State, index: c_int) -> &'a [u8] {
    // SAFETY: the giver of a block promises that it has as many bytes as the size says.
    unsafe {
        if lua_type(l, index) != LUA_TLIGHTUSERDATA {
            luaL_checklstring(l, index, ptr::null_mut());
        }
        let size = luaL_checkinteger(l, index + 1);
        bytes_at(lua_touserdata(l, index).cast(), usize::try_from(size).unwrap_or(0))
    }
}

/// The bytes of the string at an index.
unsafe fn string_at<'a>(l: *mut lua_State, index: c_int) -> &'a [u8] {
    // SAFETY: a string is there.
    unsafe {
        let mut len = 0;
        let text = lua_tolstring(l, index, &mut len);
        bytes_at(text.cast(), len)
    }
}

unsafe fn bytes_at<'a>(start: *const u8, len: usize) -> &'a [u8] {
    if start.is_null() {
        return &[];
    }
    // SAFETY: as the caller's.
    unsafe { slice::from_raw_parts(start, len) }
}

#[cfg(test)]
#[path = "cluster/tests.rs"]
mod tests;
