//! Reads addresses and data from the Lua stack.

use std::ffi::{CStr, c_int};
use std::ptr;

use mlua::ffi::{
    self, LUA_TLIGHTUSERDATA, LUA_TNIL, LUA_TTABLE, LUA_TUSERDATA, lua_State, lua_absindex,
    lua_isinteger, lua_isnoneornil, lua_pop, lua_pushlstring, lua_rawgeti, lua_rawlen,
    lua_tointeger, lua_tolstring, lua_touserdata, lua_type, luaL_Buffer, luaL_addvalue,
    luaL_argerror, luaL_buffinit, luaL_checkinteger, luaL_checklstring, luaL_pushresult,
};

use crate::lua::error::{raise, raise_top};
use crate::message::Payload;
use crate::net::{self, Bytes};

/// The host and port at `index` and behind it, or both in one text. Raises for what is neither.
///
/// # Safety
/// `l` runs; the result is used while the text stays on the stack.
pub(super) unsafe fn address<'a>(l: *mut lua_State, index: c_int) -> (&'a str, u16) {
    // SAFETY: nothing is owned when something raises: `push_error` has dropped the text.
    unsafe {
        let host = text(l, index);
        if lua_isnoneornil(l, index + 1) == 0 {
            return (host, luaL_checkinteger(l, index + 1) as u16);
        }
        let Some(split) = split_or_push_error(l, host) else { raise_top(l) };
        split
    }
}

unsafe fn split_or_push_error(l: *mut lua_State, text: &str) -> Option<(&str, u16)> {
    match net::split(text) {
        Ok(split) => Some(split),
        Err(error) => {
            let line = error.to_string();
            // SAFETY: rule 4. Running out of memory right here would leak the line.
            unsafe { lua_pushlstring(l, line.as_ptr().cast(), line.len()) };
            None
        }
    }
}

/// A text in UTF-8. Raises for anything else: no host has such a name.
///
/// # Safety
/// As [`address`].
pub(super) unsafe fn text<'a>(l: *mut lua_State, index: c_int) -> &'a str {
    // SAFETY: nothing is owned.
    unsafe {
        let bytes = CStr::from_ptr(luaL_checklstring(l, index, ptr::null_mut()));
        match bytes.to_str() {
            Ok(text) => text,
            Err(_) => raise(l, c"Invalid address (not UTF-8)."),
        }
    }
}

/// The bytes at `index`, to be sent. A table is joined first, and its text replaces it. A light
/// userdata with its size at `index + 1` changes hands.
///
/// # Safety
/// `l` runs; the result is used while the value stays on the stack, and before anything raises.
pub(super) unsafe fn data<'a>(l: *mut lua_State, index: c_int) -> Bytes<'a> {
    // SAFETY: nothing is owned when something raises.
    unsafe {
        match lua_type(l, index) {
            LUA_TUSERDATA => {
                let size = match lua_isinteger(l, index + 1) {
                    0 => lua_rawlen(l, index),
                    _ => lua_tointeger(l, index + 1) as usize,
                };
                borrowed(lua_touserdata(l, index).cast(), size.min(lua_rawlen(l, index)))
            }
            LUA_TLIGHTUSERDATA => {
                let size = luaL_checkinteger(l, index + 1);
                let Ok(size) = usize::try_from(size) else {
                    luaL_argerror(l, index + 1, c"a size is expected".as_ptr());
                    unreachable!("luaL_argerror raises")
                };
                Bytes::Owned(Payload::from_raw(lua_touserdata(l, index).cast(), size))
            }
            LUA_TTABLE => {
                join(l, index);
                let mut len = 0;
                let bytes = lua_tolstring(l, index, &mut len);
                borrowed(bytes.cast(), len)
            }
            _ => {
                let mut len = 0;
                let bytes = luaL_checklstring(l, index, &mut len);
                borrowed(bytes.cast(), len)
            }
        }
    }
}

unsafe fn borrowed<'a>(start: *const u8, len: usize) -> Bytes<'a> {
    if start.is_null() || len == 0 {
        return Bytes::Borrowed(&[]);
    }
    // SAFETY: the caller's value keeps the bytes alive.
    Bytes::Borrowed(unsafe { std::slice::from_raw_parts(start, len) })
}

/// Replaces a table of strings and numbers by all of them in one string.
unsafe fn join(l: *mut lua_State, index: c_int) {
    // SAFETY: rule 4; the buffer is Lua's own.
    unsafe {
        let index = lua_absindex(l, index);
        let mut buffer: luaL_Buffer = std::mem::zeroed();
        luaL_buffinit(l, &mut buffer);
        for place in 1.. {
            match lua_rawgeti(l, index, place) {
                LUA_TNIL => break,
                ffi::LUA_TSTRING | ffi::LUA_TNUMBER => luaL_addvalue(&mut buffer),
                _ => {
                    luaL_checklstring(l, -1, ptr::null_mut());
                    raise(l, c"Invalid strings table");
                }
            }
        }
        lua_pop(l, 1);
        luaL_pushresult(&mut buffer);
        ffi::lua_replace(l, index);
    }
}
