//! The module `skynet.require`: the `require` of every service, and `skynet.init`. Lua API 10.
//!
//! In a main chunk both are simple and native. In a coroutine a module's main function may block;
//! the Lua module `skynet.lazy.module` does that part.

use std::ffi::{CStr, c_int};
use std::ptr;

use mlua::ffi::{
    self, LUA_MULTRET, LUA_OK, LUA_REGISTRYINDEX, lua_Integer, lua_KContext, lua_State,
    lua_createtable, lua_getfield, lua_getglobal, lua_gettop, lua_insert, lua_isyieldable,
    lua_pushinteger, lua_pushstring, lua_pushvalue, lua_rawgeti, lua_rawlen, lua_rawseti,
    lua_replace, lua_setfield, lua_settop, lua_toboolean, lua_tointegerx, lua_tolstring,
    luaL_checklstring, luaL_ref, luaL_unref,
};

use super::{push_ref, set_functions};
use crate::lua::error::raise;
use crate::lua::vm::vm_of;

/// Opens the module. The stock `require` is the field `now`.
pub(in crate::lua) unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        let vm = vm_of(l);
        lua_createtable(l, 0, 3);
        set_functions(l, &[(c"require", require), (c"init", init)]);
        lua_getglobal(l, c"require".as_ptr());
        lua_pushvalue(l, -1);
        (*vm).refs.stock_require = luaL_ref(l, LUA_REGISTRYINDEX);
        lua_setfield(l, -2, c"now".as_ptr());
        1
    }
}

/// `require(name)`.
unsafe extern "C-unwind" fn require(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        let vm = vm_of(l);
        luaL_checklstring(l, 1, ptr::null_mut());
        lua_settop(l, 1);
        lua_getfield(l, LUA_REGISTRYINDEX, c"_LOADED".as_ptr());
        lua_getfield(l, 2, lua_tolstring(l, 1, ptr::null_mut()));
        if lua_toboolean(l, -1) != 0 {
            return 1;
        }
        lua_settop(l, 1);
        match lua_isyieldable(l) {
            0 => {
                push_ref(l, (*vm).refs.stock_require);
            }
            _ => push_lazy(l, c"require"),
        }
        lua_insert(l, 1);
        ffi::lua_callk(l, 1, LUA_MULTRET, 0, Some(required));
        lua_gettop(l)
    }
}

unsafe extern "C-unwind" fn required(
    l: *mut lua_State,
    _status: c_int,
    _context: lua_KContext,
) -> c_int {
    // SAFETY: the stack holds the results.
    unsafe { lua_gettop(l) }
}

/// Pushes a function of `skynet.lazy.module`.
unsafe fn push_lazy(l: *mut lua_State, name: &CStr) {
    // SAFETY: rule 2.
    unsafe {
        push_ref(l, (*vm_of(l)).refs.stock_require);
        lua_pushstring(l, c"skynet.lazy.module".as_ptr());
        ffi::lua_call(l, 1, 1);
        lua_getfield(l, -1, name.as_ptr());
        lua_replace(l, -2);
    }
}

/// `init(f)`: f runs before the start function, or before the `require` around it returns.
pub(super) unsafe extern "C-unwind" fn init(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        let vm = vm_of(l);
        lua_settop(l, 1);
        if lua_isyieldable(l) != 0 {
            push_lazy(l, c"init");
            lua_insert(l, 1);
            ffi::lua_call(l, 1, 0);
            return 0;
        }
        if (*vm).started {
            raise(l, c"skynet.init is called in a main chunk or in a module's main function");
        }
        if (*vm).refs.pending_inits == 0 {
            lua_createtable(l, 4, 0);
            (*vm).refs.pending_inits = luaL_ref(l, LUA_REGISTRYINDEX);
        }
        push_ref(l, (*vm).refs.pending_inits);
        lua_pushvalue(l, 1);
        lua_rawseti(l, -2, lua_rawlen(l, -2) as lua_Integer + 1);
        0
    }
}

/// Runs the functions of the main chunk, in the order they were given; they may block.
pub(super) unsafe extern "C-unwind" fn run_pending(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the list is at 1, the next index at 2.
    unsafe {
        let vm = vm_of(l);
        lua_settop(l, 0);
        push_ref(l, (*vm).refs.pending_inits);
        luaL_unref(l, LUA_REGISTRYINDEX, (*vm).refs.pending_inits);
        (*vm).refs.pending_inits = 0;
        lua_pushinteger(l, 1);
        next_pending(l, LUA_OK, 0)
    }
}

unsafe extern "C-unwind" fn next_pending(
    l: *mut lua_State,
    _status: c_int,
    _context: lua_KContext,
) -> c_int {
    // SAFETY: as `run_pending`.
    unsafe {
        loop {
            let at = lua_tointegerx(l, 2, ptr::null_mut());
            if at > lua_rawlen(l, 1) as lua_Integer {
                return 0;
            }
            lua_pushinteger(l, at + 1);
            lua_replace(l, 2);
            lua_rawgeti(l, 1, at);
            ffi::lua_callk(l, 0, 0, 0, Some(next_pending));
        }
    }
}
