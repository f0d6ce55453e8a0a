//! Strings of bytes to and from Lua, for the modules that compute on them.

use std::ffi::{CStr, c_int};
use std::mem::MaybeUninit;
use std::{ptr, slice};

use mlua::ffi::{
    lua_State, lua_pushlstring, luaL_Buffer, luaL_buffinitsize, luaL_checklstring, luaL_error,
    luaL_pushresultsize,
};

/// Returns the string at a place of the stack; raises an argument error when it is none.
///
/// # Safety
/// A C function of Lua calls this, and uses the bytes only while the string is on the stack.
pub(super) unsafe fn check_bytes<'a>(l: *mut lua_State, at: c_int) -> &'a [u8] {
    let mut len = 0;
    // SAFETY: as the caller's; Lua returns as many bytes as it says.
    unsafe {
        let start = luaL_checklstring(l, at, &mut len);
        slice::from_raw_parts(start.cast(), len)
    }
}

/// As [`check_bytes`], for `N` bytes; raises `text` when there are more or fewer.
///
/// # Safety
/// As [`check_bytes`].
pub(super) unsafe fn check_array<const N: usize>(
    l: *mut lua_State,
    at: c_int,
    text: &'static CStr,
) -> [u8; N] {
    // SAFETY: as the caller's; nothing is owned.
    unsafe {
        match check_bytes(l, at).try_into() {
            Ok(array) => array,
            Err(_) => raise_text(l, text),
        }
    }
}

/// Raises a text that has no `%`, with the position of the caller in front.
///
/// # Safety
/// As `error::raise`.
pub(super) unsafe fn raise_text(l: *mut lua_State, text: &'static CStr) -> ! {
    // SAFETY: as the caller's.
    unsafe { luaL_error(l, text.as_ptr()) };
    unreachable!("luaL_error does not return")
}

/// Pushes bytes as a string.
///
/// # Safety
/// `l` runs with a free slot; the caller owns nothing, because memory may be short.
pub(super) unsafe fn push_bytes(l: *mut lua_State, bytes: &[u8]) {
    // SAFETY: as the caller's.
    unsafe { lua_pushlstring(l, bytes.as_ptr().cast(), bytes.len()) };
}

/// Pushes a string that `fill` writes into a slice of `len` zeros: it returns how many bytes of it
/// count. Pushes nothing that matters when `fill` returns `None`.
///
/// # Safety
/// As [`push_bytes`], with three free slots; `fill` does not call Lua.
pub(super) unsafe fn push_filled(
    l: *mut lua_State,
    len: usize,
    fill: impl FnOnce(&mut [u8]) -> Option<usize>,
) -> Option<()> {
    let mut buffer = MaybeUninit::<luaL_Buffer>::uninit();
    // SAFETY: the buffer lives in this frame and is not moved while Lua uses it; it gives room for
    // `len` bytes.
    unsafe {
        let start = luaL_buffinitsize(l, buffer.as_mut_ptr(), len).cast::<u8>();
        ptr::write_bytes(start, 0, len);
        let count = fill(slice::from_raw_parts_mut(start, len))?;
        luaL_pushresultsize(buffer.as_mut_ptr(), count.min(len));
    }
    Some(())
}
