//! The start of a service: `start`, `init_service`, `forward_type`, `filter`. Lua API 2.3 and 7.

use std::ffi::{CStr, c_int};
use std::ptr;

use mlua::ffi::{
    self, LUA_OK, LUA_TFUNCTION, LUA_TTABLE, LUA_YIELD, lua_KContext, lua_State, lua_pcallk,
    lua_pushcfunction, lua_pushvalue, lua_settop, lua_tolstring, luaL_checktype, luaL_ref,
};

use super::{exit, fork, require};
use crate::codec::seri::Value;
use crate::lua::service::traceback;
use crate::lua::vm::{Callback, Vm, vm_of};
use crate::message::{Kind, Message, Payload, Session};

/// Where `init_service` keeps the start function.
const FUNCTION: c_int = 1;
/// Where it keeps the handler that makes tracebacks.
const HANDLER: c_int = 2;
/// The continuation's context while the init functions run.
const HOOK: isize = 1;
/// The continuation's context while the start function runs.
const START: isize = 2;

/// `start(f)`.
pub(super) unsafe extern "C-unwind" fn start(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        luaL_checktype(l, 1, LUA_TFUNCTION);
        let vm = vm_of(l);
        (*vm).callback = Callback::Native;
        run_soon(vm, l)
    }
}

/// Runs `init_service` with the function at 1 as soon as what waits already is done.
unsafe fn run_soon(vm: *mut Vm, l: *mut lua_State) -> c_int {
    // SAFETY: rules 1 and 2.
    unsafe {
        lua_settop(l, 1);
        lua_pushcfunction(l, init_service);
        let task = fork::start_later(vm, l, 0);
        lua_pushvalue(l, 1);
        ffi::lua_xmove(l, (*task).thread, 1);
        (*vm).starter = task;
        0
    }
}

/// `forward_type(map, f)`.
pub(super) unsafe extern "C-unwind" fn forward_type(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        luaL_checktype(l, 1, LUA_TTABLE);
        luaL_checktype(l, 2, LUA_TFUNCTION);
        let vm = vm_of(l);
        lua_pushvalue(l, 1);
        (*vm).refs.forward = luaL_ref(l, ffi::LUA_REGISTRYINDEX);
        ffi::lua_remove(l, 1);
        (*vm).callback = Callback::Native;
        run_soon(vm, l)
    }
}

/// `filter(f, start)`.
pub(super) unsafe extern "C-unwind" fn filter(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        luaL_checktype(l, 1, LUA_TFUNCTION);
        luaL_checktype(l, 2, LUA_TFUNCTION);
        let vm = vm_of(l);
        lua_pushvalue(l, 1);
        (*vm).refs.filter = luaL_ref(l, ffi::LUA_REGISTRYINDEX);
        ffi::lua_remove(l, 1);
        (*vm).callback = Callback::Native;
        run_soon(vm, l)
    }
}

/// `init_service(f)`: the pending init functions, then `f`; the launcher learns how it went.
pub(super) unsafe extern "C-unwind" fn init_service(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        luaL_checktype(l, FUNCTION, LUA_TFUNCTION);
        lua_settop(l, FUNCTION);
        lua_pushcfunction(l, traceback);
        let vm = vm_of(l);
        if (*vm).refs.pending_inits == 0 {
            return phase_ended(l, LUA_OK, HOOK as lua_KContext);
        }
        lua_pushcfunction(l, require::run_pending);
        let status = lua_pcallk(l, 0, 0, HANDLER, HOOK as lua_KContext, Some(phase_ended));
        phase_ended(l, status, HOOK as lua_KContext)
    }
}

/// Goes on when the init functions or the start function have ended.
unsafe extern "C-unwind" fn phase_ended(
    l: *mut lua_State,
    status: c_int,
    context: lua_KContext,
) -> c_int {
    // SAFETY: Lua calls this, or `init_service` does in its place; nothing is owned.
    unsafe {
        let vm = vm_of(l);
        if status != LUA_OK && status != LUA_YIELD {
            return failed(vm, l);
        }
        if context == HOOK {
            (*vm).started = true;
            lua_settop(l, HANDLER);
            lua_pushvalue(l, FUNCTION);
            let status = lua_pcallk(l, 0, 0, HANDLER, START as lua_KContext, Some(phase_ended));
            return phase_ended(l, status, START as lua_KContext);
        }
        (*vm).starter = ptr::null_mut();
        report(vm, "LAUNCHOK");
        0
    }
}

/// The start function raised: its text is on top of the stack.
unsafe fn failed(vm: *mut Vm, l: *mut lua_State) -> c_int {
    // SAFETY: rules 1 and 2: the line is dropped before `exit` leaves.
    unsafe {
        let text = lua_tolstring(l, -1, ptr::null_mut());
        let text = if text.is_null() { c"" } else { CStr::from_ptr(text) };
        log_failure(vm, text);
        report(vm, "ERROR");
        (*vm).context.start_failed();
        lua_settop(l, 0);
        // Not through lua_call, which no yield may cross.
        exit::exit(l)
    }
}

unsafe fn log_failure(vm: *mut Vm, text: &CStr) {
    // SAFETY: rule 1.
    unsafe {
        let line = [b"init service failed: ", text.to_bytes()].concat();
        (*vm).context.node().log((*vm).context.address(), &line);
    }
}

/// Tells the launcher how the start went.
unsafe fn report(vm: *mut Vm, word: &str) {
    // SAFETY: rule 1.
    unsafe { tell_launcher(vm, &[Value::from(word)]) };
}

/// Sends a Lua message to the launcher, if there is one.
///
/// # Safety
/// Rule 1.
pub(super) unsafe fn tell_launcher(vm: *mut Vm, values: &[Value]) {
    // SAFETY: as the caller's.
    let context = unsafe { &(*vm).context };
    let Ok(bytes) = crate::codec::seri::encode(values) else { return };
    let message = Message {
        source: context.address(),
        session: Session::NONE,
        kind: Kind::LUA,
        payload: Payload::copy_of(&bytes),
    };
    // Services that start before the launcher have nobody to tell.
    let _ = context.send_to_name(b".launcher", message);
}
