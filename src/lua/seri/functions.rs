//! The functions that `skynet.core` registers.
//!
//! Lua calls them with a live state, their arguments from index 1 and at least
//! `LUA_MINSTACK` free slots; that is the SAFETY argument of each.

use std::ffi::{c_int, c_void};

use mlua::ffi::{self, lua_State};

use super::pack::{pack, pack_to_string};
use super::unpack::unpack;

/// `pack(...)`: a light userdata with the block, and its size. The caller sends or trashes it.
///
/// # Safety
/// Only Lua may call it.
pub unsafe extern "C-unwind" fn l_pack(l: *mut lua_State) -> c_int {
    // SAFETY: see the file's header.
    unsafe {
        let packed = pack(l, 1);
        ffi::lua_pushlightuserdata(l, packed.ptr.cast());
        ffi::lua_pushinteger(l, packed.len as i64);
    }
    2
}

/// `packstring(...)`: the same bytes as a string.
///
/// # Safety
/// Only Lua may call it.
pub unsafe extern "C-unwind" fn l_packstring(l: *mut lua_State) -> c_int {
    // SAFETY: see the file's header.
    unsafe { pack_to_string(l, 1) };
    1
}

/// `unpack(string)` and `unpack(pointer, size)`: the values. The bytes stay the caller's.
///
/// # Safety
/// Only Lua may call it, and a pointer must have as many bytes behind it as the size says.
pub unsafe extern "C-unwind" fn l_unpack(l: *mut lua_State) -> c_int {
    // SAFETY: see the file's header; a string stays on the stack while it is read.
    unsafe {
        match ffi::lua_type(l, 1) {
            ffi::LUA_TNONE | ffi::LUA_TNIL => 0,
            ffi::LUA_TSTRING => {
                let mut len = 0;
                let text = ffi::lua_tolstring(l, 1, &mut len);
                unpack(l, text.cast(), len)
            }
            _ => unpack_block(l),
        }
    }
}

unsafe fn unpack_block(l: *mut lua_State) -> c_int {
    // SAFETY: see the file's header; the caller of `unpack` promises the block.
    unsafe {
        let size = ffi::luaL_checkinteger(l, 2);
        let block = ffi::lua_touserdata(l, 1);
        match usize::try_from(size) {
            Ok(0) => 0,
            _ if block.is_null() => ffi::luaL_error(l, c"deserialize null pointer".as_ptr()),
            Ok(size) if fits(l, size) => unpack(l, block.cast(), size),
            _ => ffi::luaL_argerror(l, 2, c"size out of range".as_ptr()),
        }
    }
}

/// Tells whether the userdata at index 1 can hold `size` bytes, as far as Lua knows.
unsafe fn fits(l: *mut lua_State, size: usize) -> bool {
    // SAFETY: see the file's header.
    unsafe { ffi::lua_type(l, 1) == ffi::LUA_TLIGHTUSERDATA || size <= ffi::lua_rawlen(l, 1) }
}

/// `trash(message, size)`: frees a block; a string needs nothing.
///
/// # Safety
/// Only Lua may call it, and a pointer must be a block that nobody else frees.
pub unsafe extern "C-unwind" fn l_trash(l: *mut lua_State) -> c_int {
    // SAFETY: see the file's header; the block came from `malloc`, by the caller's promise.
    unsafe {
        match ffi::lua_type(l, 1) {
            ffi::LUA_TSTRING => {}
            ffi::LUA_TLIGHTUSERDATA => {
                ffi::luaL_checkinteger(l, 2);
                libc::free(ffi::lua_touserdata(l, 1));
            }
            kind => {
                let name = ffi::lua_typename(l, kind);
                ffi::luaL_error(l, c"skynet.trash invalid param %s".as_ptr(), name);
            }
        }
    }
    0
}

/// `tostring(pointer, size)`: a copy of the bytes as a string; nothing for nil.
///
/// # Safety
/// Only Lua may call it, and a pointer must have as many bytes behind it as the size says.
pub unsafe extern "C-unwind" fn l_tostring(l: *mut lua_State) -> c_int {
    // SAFETY: see the file's header; the caller promises the block.
    unsafe {
        if ffi::lua_type(l, 1) <= ffi::LUA_TNIL {
            return 0;
        }
        let block: *const c_void = ffi::lua_touserdata(l, 1);
        let size = ffi::luaL_checkinteger(l, 2);
        match usize::try_from(size) {
            Ok(0) => ffi::lua_pushstring(l, c"".as_ptr()),
            Ok(size) if !block.is_null() && fits(l, size) => {
                ffi::lua_pushlstring(l, block.cast(), size)
            }
            _ => return ffi::luaL_argerror(l, 1, c"a block of that size expected".as_ptr()),
        };
    }
    1
}
