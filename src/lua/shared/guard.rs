//! Functions of Lua's own library that pass metatables by, for services that use sharetable: their
//! `next` walks views, and their `rawset` refuses them.

use std::ffi::c_int;

use mlua::ffi::{
    self, LUA_TNUMBER, lua_State, lua_getfield, lua_getmetatable, lua_pushvalue, lua_rawgetp,
    lua_settop, lua_upvalueindex,
};

use super::view::{NODE, hidden};
use crate::lua::error::raise;

/// `next(table [, key])` that walks views too; installed where a service uses sharetable.
///
/// # Safety
/// Only Lua may call it; its upvalue is the stock `next`.
pub(super) unsafe extern "C-unwind" fn next(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        lua_settop(l, 2);
        if lua_getmetatable(l, 1) != 0 {
            if lua_rawgetp(l, 3, hidden(&NODE)) == LUA_TNUMBER {
                lua_getfield(l, 3, c"__pairs".as_ptr());
                lua_pushvalue(l, 1);
                ffi::lua_call(l, 1, 2);
                ffi::lua_replace(l, 1);
            }
            lua_settop(l, 2);
        }
        lua_pushvalue(l, lua_upvalueindex(1));
        ffi::lua_insert(l, 1);
        ffi::lua_call(l, 2, ffi::LUA_MULTRET);
        ffi::lua_gettop(l)
    }
}

/// `rawset(table, key, value)` that refuses views.
///
/// # Safety
/// As [`next`], with the stock `rawset`.
pub(super) unsafe extern "C-unwind" fn rawset(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        lua_settop(l, 3);
        if is_view(l, 1) {
            raise(l, c"attempt to change a shared table");
        }
        lua_pushvalue(l, lua_upvalueindex(1));
        ffi::lua_insert(l, 1);
        ffi::lua_call(l, 3, 1);
        1
    }
}

/// Tells whether there is a view at `index`.
unsafe fn is_view(l: *mut lua_State, index: c_int) -> bool {
    // SAFETY: nothing raises; rule 4.
    unsafe {
        let top = ffi::lua_gettop(l);
        let found =
            lua_getmetatable(l, index) != 0 && lua_rawgetp(l, -1, hidden(&NODE)) == LUA_TNUMBER;
        lua_settop(l, top);
        found
    }
}
