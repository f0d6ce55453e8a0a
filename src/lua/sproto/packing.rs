//! `sproto.pack` and `sproto.unpack`: leaving out zeros.

use std::ffi::c_int;
use std::slice;

use mlua::ffi::{
    LUA_TLIGHTUSERDATA, LUA_TSTRING, LUA_TUSERDATA, lua_State, lua_rawlen, lua_touserdata,
    lua_type, luaL_argerror, luaL_checkinteger,
};

use crate::codec::sproto as codec;
use crate::lua::bytes::{check_bytes, push_filled, raise_text};

/// Returns the bytes at `at`: a string, or a userdata and the size behind it.
///
/// # Safety
/// As `check_bytes`; who passes a pointer promises the bytes.
pub(super) unsafe fn check_block<'a>(l: *mut lua_State, at: c_int) -> &'a [u8] {
    // SAFETY: as the caller's; nothing is owned.
    unsafe {
        let kind = lua_type(l, at);
        if kind == LUA_TSTRING {
            return check_bytes(l, at);
        }
        if kind != LUA_TLIGHTUSERDATA && kind != LUA_TUSERDATA {
            luaL_argerror(l, at, c"Need a string or userdata".as_ptr());
        }
        let (start, size) = (lua_touserdata(l, at), luaL_checkinteger(l, at + 1));
        match usize::try_from(size) {
            Ok(0) => &[],
            Ok(size)
                if !start.is_null()
                    && (kind == LUA_TLIGHTUSERDATA || size <= lua_rawlen(l, at)) =>
            {
                slice::from_raw_parts(start.cast(), size)
            }
            _ => {
                luaL_argerror(l, at + 1, c"size out of range".as_ptr());
                unreachable!("luaL_argerror does not return")
            }
        }
    }
}

/// `pack(bytes)`, `pack(pointer, size)`.
pub(super) unsafe extern "C-unwind" fn pack(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the bytes stay where they are.
    unsafe {
        let bytes = check_block(l, 1);
        push_filled(l, codec::packed_len_max(bytes.len()), |output| {
            Some(codec::pack(bytes, output))
        });
    }
    1
}

/// `unpack(bytes)`, `unpack(pointer, size)`.
pub(super) unsafe extern "C-unwind" fn unpack(l: *mut lua_State) -> c_int {
    // SAFETY: as `pack`.
    unsafe {
        let bytes = check_block(l, 1);
        let Ok(room) = codec::unpacked_room(bytes) else {
            raise_text(l, c"Invalid unpack stream");
        };
        let done = push_filled(l, room, |output| codec::unpack(bytes, output).ok());
        if done.is_none() {
            raise_text(l, c"Invalid unpack stream");
        }
    }
    1
}
