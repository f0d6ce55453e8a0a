//! Raising Lua errors from the bindings.

use std::ffi::CStr;

use mlua::ffi::{lua_State, lua_concat, lua_error, lua_insert, luaL_where, lua_pushstring};

/// Raises a text with the position of the caller in front, as `error` does.
///
/// # Safety
/// `l` is a running Lua thread, and no frame between here and Lua owns anything.
pub(super) unsafe fn raise(l: *mut lua_State, text: &CStr) -> ! {
    // SAFETY: as the caller's.
    unsafe {
        lua_pushstring(l, text.as_ptr());
        raise_top(l)
    }
}

/// Raises the string on top of the stack with the position of the caller in front.
///
/// # Safety
/// As [`raise`].
pub(super) unsafe fn raise_top(l: *mut lua_State) -> ! {
    // SAFETY: as the caller's; luaL_where pushes a string, so two are there to join.
    unsafe {
        luaL_where(l, 1);
        lua_insert(l, -2);
        lua_concat(l, 2);
        lua_error(l)
    }
}
