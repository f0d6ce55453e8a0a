//! What a service asks about itself and its node: addresses, environment, time, statistics, log.
//! Lua API 4.7 to 4.9.

use std::ffi::c_int;
use std::io::Write;
use std::ptr;

use mlua::ffi::{
    self, LUA_TNUMBER, LUA_TTABLE, LUA_TTHREAD, lua_Integer, lua_State, lua_gettop, lua_pop,
    lua_pushboolean, lua_pushinteger, lua_pushlstring, lua_pushnil, lua_pushnumber, lua_rawset,
    lua_settop, lua_tointegerx, lua_tolstring, lua_tothread, lua_type, luaL_checkinteger,
    luaL_checklstring, luaL_tolstring, luaL_traceback,
};

use super::fork::waiting_task;
use crate::lua::error::raise_top;
use crate::lua::later;
use crate::lua::task::Task;
use crate::lua::trace;
use crate::lua::vm::{Vm, Waiter, task_of, vm_of};
use crate::message::Address;

/// `self()`.
pub(super) unsafe extern "C-unwind" fn own_address(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this in a live Vm.
    unsafe { lua_pushinteger(l, (*vm_of(l)).context.address().bits().into()) };
    1
}

/// `localname(".name")`.
pub(super) unsafe extern "C-unwind" fn localname(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the bytes stay on the stack.
    unsafe {
        let name = argument(l, 1);
        match (*vm_of(l)).context.query_name(name) {
            Some(address) => lua_pushinteger(l, address.bits().into()),
            None => lua_pushnil(l),
        }
        1
    }
}

/// Returns the bytes of a string argument.
///
/// # Safety
/// `l` runs; the result is used while the argument stays on the stack.
unsafe fn argument<'a>(l: *mut lua_State, index: c_int) -> &'a [u8] {
    // SAFETY: checklstring returns bytes that live as long as the stack value.
    unsafe {
        let mut len = 0;
        let bytes = luaL_checklstring(l, index, &mut len);
        std::slice::from_raw_parts(bytes.cast(), len)
    }
}

/// Pushes `:%08x`.
///
/// # Safety
/// `l` runs.
pub(super) unsafe fn push_address(l: *mut lua_State, address: Address) {
    let mut text = [0u8; 9];
    // Nine bytes fit exactly.
    let _ = write!(&mut text[..], "{address}");
    // SAFETY: as the caller's.
    unsafe { lua_pushlstring(l, text.as_ptr().cast(), text.len()) };
}

/// `address(addr)`: text of a number, `tostring` of the rest.
pub(super) unsafe extern "C-unwind" fn address(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        if lua_type(l, 1) == LUA_TNUMBER {
            push_address(l, Address::new(lua_tointegerx(l, 1, ptr::null_mut()) as u32));
        } else {
            luaL_tolstring(l, 1, ptr::null_mut());
        }
        1
    }
}

/// `harbor(addr)`: node id, and whether that is another node.
pub(in crate::lua) unsafe extern "C-unwind" fn harbor(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this in a live Vm.
    unsafe {
        let address = Address::new(luaL_checkinteger(l, 1) as u32);
        lua_pushinteger(l, address.harbor().into());
        lua_pushboolean(l, (*vm_of(l)).context.node().is_remote(address).into());
        2
    }
}

/// `getenv(key)`.
pub(super) unsafe extern "C-unwind" fn getenv(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the value is pushed by a function that owns it.
    unsafe {
        let vm = vm_of(l);
        let key = argument(l, 1);
        if !push_setting(vm, l, key) {
            lua_pushnil(l);
        }
        1
    }
}

/// Pushes a value of the environment. The environment keeps values for ever, so an error that
/// jumps over this frame leaks one count of a value that is never freed anyway.
unsafe fn push_setting(vm: *mut Vm, l: *mut lua_State, key: &[u8]) -> bool {
    // SAFETY: rule 1; see above for rule 2.
    unsafe {
        let Some(value) = (*vm).context.node().environment().get(key) else { return false };
        let bytes = value.to_bytes();
        lua_pushlstring(l, bytes.as_ptr().cast(), bytes.len());
        true
    }
}

/// `setenv(key, value)`: once only.
pub(super) unsafe extern "C-unwind" fn setenv(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned when it raises.
    unsafe {
        let vm = vm_of(l);
        let (key, value) = (argument(l, 1), argument(l, 2));
        if (*vm).context.node().environment().set(key, value).is_err() {
            let key = lua_tolstring(l, 1, ptr::null_mut());
            ffi::lua_pushfstring(l, c"Can't setenv exist key : %s".as_ptr(), key);
            raise_top(l);
        }
        0
    }
}

/// `now()`.
pub(in crate::lua) unsafe extern "C-unwind" fn now(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this in a live Vm.
    unsafe { lua_pushinteger(l, (*vm_of(l)).context.node().clock().now() as lua_Integer) };
    1
}

/// `hpc()`: monotonic nanoseconds.
pub(in crate::lua) unsafe extern "C-unwind" fn hpc(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this in a live Vm.
    unsafe { lua_pushinteger(l, (*vm_of(l)).context.node().clock().nanos() as lua_Integer) };
    1
}

/// `time()`: seconds since the epoch, as a float.
pub(super) unsafe extern "C-unwind" fn time(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this in a live Vm.
    unsafe {
        let clock = (*vm_of(l)).context.node().clock();
        lua_pushnumber(l, clock.now() as f64 / 100.0 + clock.start_seconds() as f64);
        1
    }
}

/// `starttime()`.
pub(super) unsafe extern "C-unwind" fn starttime(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this in a live Vm.
    unsafe {
        let seconds = (*vm_of(l)).context.node().clock().start_seconds();
        lua_pushinteger(l, seconds as lua_Integer);
        1
    }
}

/// `stat(what)`.
pub(super) unsafe extern "C-unwind" fn stat(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this in a live Vm; only plain numbers are held when pushing.
    unsafe {
        let context = &(*vm_of(l)).context;
        let stats = &context.cell().stats;
        match argument(l, 1) {
            b"mqlen" => lua_pushinteger(l, context.mailbox_len() as lua_Integer),
            b"message" => lua_pushinteger(l, stats.messages() as lua_Integer),
            b"endless" => lua_pushinteger(l, stats.take_endless().into()),
            b"cpu" => lua_pushnumber(l, stats.cpu_ns() as f64 / 1e9),
            b"time" => match context.current_message_ns() {
                Some(ns) => lua_pushnumber(l, ns as f64 / 1e9),
                None => lua_pushinteger(l, 0),
            },
            _ => lua_pushinteger(l, 0),
        }
        1
    }
}

/// `mqlen()`.
pub(super) unsafe extern "C-unwind" fn mqlen(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this in a live Vm.
    unsafe { lua_pushinteger(l, (*vm_of(l)).context.mailbox_len() as lua_Integer) };
    1
}

/// `endless()`.
pub(super) unsafe extern "C-unwind" fn endless(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this in a live Vm.
    unsafe { lua_pushboolean(l, (*vm_of(l)).context.cell().stats.take_endless().into()) };
    1
}

/// `error(...)`: writes a log line.
pub(in crate::lua) unsafe extern "C-unwind" fn error(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the text is joined on the Lua stack, so nothing is owned here.
    unsafe {
        let values = lua_gettop(l).max(1);
        lua_settop(l, values);
        ffi::luaL_checkstack(l, 2 * values + 4, c"too many values to log".as_ptr());
        for index in 1..=values {
            if index > 1 {
                ffi::lua_pushstring(l, c" ".as_ptr());
            }
            luaL_tolstring(l, index, ptr::null_mut());
        }
        ffi::lua_concat(l, 2 * values - 1);
        let line = argument(l, -1);
        let context = &(*vm_of(l)).context;
        context.node().log(context.address(), line);
        0
    }
}

/// `task(x)`: what waits, in the forms that tools read. Lua API 4.8.
pub(super) unsafe extern "C-unwind" fn task(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        let vm = vm_of(l);
        lua_settop(l, 1);
        later::materialise(vm, l);
        match lua_type(l, 1) {
            ffi::LUA_TNIL => {
                let waiting = (*vm).waiters.values().filter(|w| waiting_task(w).is_some()).count();
                lua_pushinteger(l, waiting as lua_Integer);
                1
            }
            LUA_TTABLE => fill_tasks(vm, l),
            LUA_TNUMBER => push_task(vm, l, lua_tointegerx(l, 1, ptr::null_mut()) as i32),
            LUA_TTHREAD => {
                let task = task_of(lua_tothread(l, 1));
                if task.is_null() || (*task).waits == 0 {
                    return 0;
                }
                lua_pushinteger(l, (*task).waits.into());
                1
            }
            ffi::LUA_TSTRING if argument(l, 1) == b"init" && !(*vm).starter.is_null() => {
                luaL_traceback(l, (*(*vm).starter).thread, ptr::null(), 0);
                1
            }
            _ => 0,
        }
    }
}

/// Fills the table at 1 with `<coroutine> session: <n>` = traceback.
unsafe fn fill_tasks(vm: *mut Vm, l: *mut lua_State) -> c_int {
    // SAFETY: rules 1 and 2: the sessions are kept in the Vm.
    unsafe {
        (*vm).scratch_sessions.clear();
        let seen = (*vm).waiters.iter().filter(|(_, waiter)| !matches!(waiter, Waiter::CallCheck));
        (*vm).scratch_sessions.extend(seen.map(|(session, _)| *session));
        for at in 0..(*vm).scratch_sessions.len() {
            let session = Vm::found_session(vm, at);
            let Some(waiter) = (*vm).waiters.get(&session).copied() else { continue };
            match waiting_task(&waiter) {
                Some(task) => Task::push(task, l),
                None => {
                    ffi::lua_pushstring(l, c"BREAK".as_ptr());
                }
            }
            let who = luaL_tolstring(l, -1, ptr::null_mut());
            ffi::lua_pushfstring(l, c"%s session: %d".as_ptr(), who, session);
            push_waiter(l, &waiter);
            lua_rawset(l, 1);
            lua_pop(l, 2);
        }
        0
    }
}

/// Pushes where a waiter stands.
unsafe fn push_waiter(l: *mut lua_State, waiter: &Waiter) {
    // SAFETY: rule 2; a task's thread may be inspected while it waits.
    unsafe {
        match waiting_task(waiter) {
            Some(task) if (*task).armed_at.is_some() => trace::push_armed_at(l, task),
            Some(task) => luaL_traceback(l, (*task).thread, ptr::null(), 0),
            None => {
                ffi::lua_pushstring(l, c"BREAK".as_ptr());
            }
        }
    }
}

unsafe fn push_task(vm: *mut Vm, l: *mut lua_State, session: i32) -> c_int {
    // SAFETY: rules 1 and 2.
    unsafe {
        match (*vm).waiters.get(&session).copied() {
            Some(waiter) => push_waiter(l, &waiter),
            None => {
                ffi::lua_pushstring(l, c"No session".as_ptr());
            }
        }
        1
    }
}
