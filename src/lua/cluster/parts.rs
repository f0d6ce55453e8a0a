//! Lists of the parts of a large message: a size, and strings. Module `skynet.cluster.core`.

use std::ffi::c_int;
use std::ptr;

use mlua::ffi::{
    self, LUA_TLIGHTUSERDATA, LUA_TNIL, LUA_TNUMBER, LUA_TSTRING, LUA_TTABLE, lua_Integer,
    lua_State, lua_pushinteger, lua_pushlightuserdata, lua_pushlstring, lua_rawgeti, lua_rawlen,
    lua_rawseti, lua_settop, lua_tointeger, lua_touserdata, lua_type, luaL_checkinteger,
    luaL_error,
};

use super::{block_at, string_at};

/// `append(parts, nil, size)` begins a list, `append(parts, block, size)` adds a part and frees it.
pub(super) unsafe extern "C-unwind" fn append(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the block came from `unpackrequest`.
    unsafe {
        ffi::luaL_checktype(l, 1, LUA_TTABLE);
        let size = luaL_checkinteger(l, 3);
        let index = lua_rawlen(l, 1) as lua_Integer + 1;
        match lua_type(l, 2) {
            LUA_TNIL => lua_pushinteger(l, size),
            LUA_TLIGHTUSERDATA => {
                let bytes = block_at(l, 2);
                lua_pushlstring(l, bytes.as_ptr().cast(), bytes.len());
                libc::free(lua_touserdata(l, 2));
            }
            _ => return luaL_error(l, c"Need lightuserdata".as_ptr()),
        }
        lua_rawseti(l, 1, index);
        0
    }
}

/// `concat(parts) -> block, size`; nothing when the parts are not as long as the list says.
pub(super) unsafe extern "C-unwind" fn concat(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this. Nothing raises while the block is owned here.
    unsafe {
        if lua_type(l, 1) != LUA_TTABLE {
            return 0;
        }
        lua_settop(l, 1);
        lua_rawgeti(l, 1, 1);
        if lua_type(l, 2) != LUA_TNUMBER {
            return 0;
        }
        let size = lua_tointeger(l, 2);
        let count = lua_rawlen(l, 1) as lua_Integer;
        if total(l, count) != Some(size) {
            return 0;
        }
        let block = libc::malloc(size as usize + 1).cast::<u8>();
        if block.is_null() {
            return luaL_error(l, c"not enough memory".as_ptr());
        }
        let mut end = block;
        for index in 2..=count {
            lua_rawgeti(l, 1, index);
            let part = string_at(l, -1);
            ptr::copy_nonoverlapping(part.as_ptr(), end, part.len());
            end = end.add(part.len());
            lua_settop(l, 2);
        }
        // A payload ends with a NUL that is not counted.
        end.write(0);
        lua_pushlightuserdata(l, block.cast());
        lua_pushinteger(l, size);
        2
    }
}

/// Returns how long the parts of a list are together; `None` when one is no string.
unsafe fn total(l: *mut lua_State, count: lua_Integer) -> Option<lua_Integer> {
    let mut sum = 0;
    for index in 2..=count {
        // SAFETY: as the caller's.
        unsafe {
            let kind = lua_rawgeti(l, 1, index);
            sum += lua_rawlen(l, -1) as lua_Integer;
            lua_settop(l, 2);
            if kind != LUA_TSTRING {
                return None;
            }
        }
    }
    Some(sum)
}
