//! `read`, `readline`, `readall` and `block`: they take what is there, or wait for it.
//!
//! Each has a continuation, in which the reader goes on when its socket woke it. The socket may be
//! closed by then, or gone.

use std::ffi::c_int;

use mlua::ffi::{
    lua_KContext, lua_State, lua_isnoneornil, lua_pushboolean, lua_pushlstring, lua_settop,
    luaL_checkinteger, luaL_checklstring,
};

use super::socket_id;
use super::stream::{Stream, Want, check_free, find, required, resumed, suspend};
use crate::lua::vm::vm_of;

/// Pushes false and all that is left.
unsafe fn push_rest(l: *mut lua_State, stream: Option<&mut Stream>) -> c_int {
    // SAFETY: rule 4; the chain belongs to the stream.
    unsafe {
        lua_pushboolean(l, 0);
        match stream {
            Some(stream) => stream.chain.push_string(l, stream.chain.len(), 0),
            None => drop(lua_pushlstring(l, c"".as_ptr(), 0)),
        }
        2
    }
}

/// `read(id [, n])`.
pub(super) unsafe extern "C-unwind" fn read(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned when something raises.
    unsafe {
        let (vm, id, stream) = required(l);
        if lua_isnoneornil(l, 2) != 0 {
            if stream.chain.len() > 0 {
                stream.chain.push_string(l, stream.chain.len(), 0);
                return 1;
            }
            if !stream.connected {
                return push_rest(l, Some(stream));
            }
            check_free(l, vm, stream);
            lua_settop(l, 1);
            return suspend(l, (vm, id), Want::Bytes(0), read_something);
        }
        let count = usize::try_from(luaL_checkinteger(l, 2)).unwrap_or(0);
        if count > 0 && stream.chain.len() >= count {
            stream.chain.push_string(l, count, 0);
            return 1;
        }
        if !stream.connected || stream.closing {
            return push_rest(l, Some(stream));
        }
        check_free(l, vm, stream);
        lua_settop(l, 2);
        suspend(l, (vm, id), Want::Bytes(count), read_count)
    }
}

unsafe extern "C-unwind" fn read_something(
    l: *mut lua_State,
    _: c_int,
    context: lua_KContext,
) -> c_int {
    // SAFETY: Lua calls this when the task goes on.
    unsafe {
        match resumed(l, context) {
            Some(stream) if stream.chain.len() > 0 => {
                stream.chain.push_string(l, stream.chain.len(), 0);
                1
            }
            stream => push_rest(l, stream),
        }
    }
}

unsafe extern "C-unwind" fn read_count(
    l: *mut lua_State,
    _: c_int,
    context: lua_KContext,
) -> c_int {
    // SAFETY: as `read_something`; the count at 2 has been checked.
    unsafe {
        let count = usize::try_from(luaL_checkinteger(l, 2)).unwrap_or(0);
        match resumed(l, context) {
            Some(stream) if count > 0 && stream.chain.len() >= count => {
                stream.chain.push_string(l, count, 0);
                1
            }
            stream => push_rest(l, stream),
        }
    }
}

/// Reads the separator at 2, a newline by default.
unsafe fn separator<'a>(l: *mut lua_State) -> &'a [u8] {
    // SAFETY: the text stays on the stack.
    unsafe {
        if lua_isnoneornil(l, 2) != 0 {
            return b"\n";
        }
        let mut len = 0;
        let text = luaL_checklstring(l, 2, &mut len);
        std::slice::from_raw_parts(text.cast(), len)
    }
}

/// `readline(id [, separator])`.
pub(super) unsafe extern "C-unwind" fn readline(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the separator's copy is given away before something raises.
    unsafe {
        let (vm, id, stream) = required(l);
        let separator = separator(l);
        if let Some(at) = stream.chain.find(separator) {
            stream.chain.push_string(l, at, separator.len());
            return 1;
        }
        if !stream.connected {
            return push_rest(l, Some(stream));
        }
        check_free(l, vm, stream);
        lua_settop(l, 2);
        suspend(l, (vm, id), Want::Line(separator.into(), 0), read_line)
    }
}

unsafe extern "C-unwind" fn read_line(l: *mut lua_State, _: c_int, context: lua_KContext) -> c_int {
    // SAFETY: as `read_something`; the separator stays at 2.
    unsafe {
        let separator = separator(l);
        let Some(stream) = resumed(l, context) else { return push_rest(l, None) };
        match stream.chain.find(separator) {
            Some(at) => {
                stream.chain.push_string(l, at, separator.len());
                1
            }
            None => push_rest(l, Some(stream)),
        }
    }
}

/// `readall(id)`.
pub(super) unsafe extern "C-unwind" fn readall(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned when something raises.
    unsafe {
        let (vm, id, stream) = required(l);
        if !stream.connected {
            return match stream.chain.len() {
                0 => {
                    lua_pushboolean(l, 0);
                    1
                }
                _ => push_all(l, Some(stream)),
            };
        }
        check_free(l, vm, stream);
        suspend(l, (vm, id), Want::End, read_to_end)
    }
}

unsafe extern "C-unwind" fn read_to_end(
    l: *mut lua_State,
    _: c_int,
    context: lua_KContext,
) -> c_int {
    // SAFETY: as `read_something`.
    unsafe { push_all(l, resumed(l, context)) }
}

/// Pushes all that is left.
unsafe fn push_all(l: *mut lua_State, stream: Option<&mut Stream>) -> c_int {
    // SAFETY: as `push_rest`.
    unsafe {
        push_rest(l, stream);
        1
    }
}

/// `block(id)`: until something comes in (true) or the end (false).
pub(super) unsafe extern "C-unwind" fn block_until_data(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned when something raises.
    unsafe {
        let (vm, id) = (vm_of(l), socket_id(l, 1));
        let Some(stream) = find(vm, id).filter(|stream| stream.connected) else {
            lua_pushboolean(l, 0);
            return 1;
        };
        check_free(l, vm, stream);
        suspend(l, (vm, id), Want::Bytes(0), blocked)
    }
}

unsafe extern "C-unwind" fn blocked(l: *mut lua_State, _: c_int, context: lua_KContext) -> c_int {
    // SAFETY: Lua calls this when the task goes on.
    unsafe {
        let connected = resumed(l, context).is_some_and(|stream| stream.connected);
        lua_pushboolean(l, connected.into());
        1
    }
}
