//! The tracing functions: `trace`, `tracetag`, `tracelog`, `trace_timeout`. Lua API 4.9.

use std::ffi::c_int;

use mlua::ffi::{
    LUA_TTHREAD, lua_State, lua_gettop, lua_pushboolean, lua_pushnil, lua_toboolean, lua_tothread,
    lua_type, luaL_optinteger,
};

use crate::lua::trace;
use crate::lua::vm::vm_of;

/// `trace([info])`: gives the running coroutine a fresh tag.
pub(super) unsafe extern "C-unwind" fn trace(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; `begin` owns nothing while it may raise.
    unsafe {
        trace::begin(vm_of(l), l);
        0
    }
}

/// `tracetag()`: the tag, false when forced off, or nil.
pub(super) unsafe extern "C-unwind" fn tracetag(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this in a live Vm.
    unsafe {
        let task = (*vm_of(l)).running;
        match task.as_ref().map(|task| &task.tag) {
            Some(trace::Tag::Text(tag)) => {
                mlua::ffi::lua_pushlstring(l, tag.as_ptr().cast(), tag.len());
            }
            Some(trace::Tag::Off) => lua_pushboolean(l, 0),
            _ => lua_pushnil(l),
        }
        1
    }
}

/// `tracelog(tag, text [, thread] [, level])`.
pub(in crate::lua) unsafe extern "C-unwind" fn tracelog(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; `line` owns nothing while it may raise.
    unsafe {
        let (thread, level) = match lua_type(l, 3) {
            LUA_TTHREAD => (lua_tothread(l, 3), luaL_optinteger(l, 4, 1)),
            _ => (l, luaL_optinteger(l, 3, 1)),
        };
        let with_stack = lua_gettop(l) > 2;
        trace::line_of_arguments(vm_of(l), l, with_stack.then_some((thread, level as c_int)));
        0
    }
}

/// `trace_timeout(on)`.
pub(super) unsafe extern "C-unwind" fn trace_timeout(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this in a live Vm.
    unsafe {
        (*vm_of(l)).trace.timeouts = lua_toboolean(l, 1) != 0;
        0
    }
}
