//! What the debug console looks at: pending calls, figures of all services. A part of
//! `skynet.native.internal`, for `lualib/skynet/lazy/debugcmd.lua` and `lualib/skynet/console/`.

use std::ffi::c_int;

use mlua::ffi::{
    lua_Integer, lua_State, lua_createtable, lua_pushinteger, lua_pushlstring, lua_pushnumber,
    lua_rawseti, lua_setfield, lua_tothread,
};

use super::calls::{age_of, find_calls, is_stdin, push_kind};
use super::vm::{Vm, Waiter, task_of, vm_of};
use crate::message::Address;
use crate::node::Context;

/// `calls()`: an array of the calls that wait for an answer, the oldest first, each a table
/// { session, callee (number or name), type, age (seconds) }.
pub(super) unsafe extern "C-unwind" fn calls(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the sessions are kept in the Vm while something may raise.
    unsafe {
        let vm = vm_of(l);
        find_calls(vm);
        lua_createtable(l, 0, 0);
        let mut count = 0;
        for at in 0..(*vm).scratch_sessions.len() {
            let session = Vm::found_session(vm, at);
            let Some(&Waiter::Call { task, callee }) = (*vm).waiters.get(&session) else {
                continue;
            };
            if is_stdin(vm, session, callee) {
                continue;
            }
            lua_createtable(l, 0, 4);
            lua_pushinteger(l, session.into());
            lua_setfield(l, -2, c"session".as_ptr());
            push_callee(l, vm, session, callee);
            lua_setfield(l, -2, c"callee".as_ptr());
            push_kind(l, vm, (*task).asks);
            lua_setfield(l, -2, c"type".as_ptr());
            lua_pushnumber(l, (age_of(vm, task) / 10_000_000) as f64 / 100.0);
            lua_setfield(l, -2, c"age".as_ptr());
            count += 1;
            lua_rawseti(l, -2, count);
        }
        1
    }
}

/// Pushes the name or number that was called.
unsafe fn push_callee(l: *mut lua_State, vm: *mut Vm, session: i32, callee: Address) {
    // SAFETY: rules 1 and 4; a name belongs to the Vm while it is copied.
    unsafe {
        match (*vm).named_calls.get(&session) {
            Some(name) => drop(lua_pushlstring(l, name.as_ptr().cast(), name.len())),
            None => lua_pushinteger(l, callee.bits().into()),
        }
    }
}

/// What a survey says of a service.
struct Figures {
    address: Address,
    messages: u64,
    cpu_ns: u64,
    queue: usize,
    memory: u64,
}

/// Looks at every service of the node, without asking any.
fn survey_of(context: &Context) -> Vec<Figures> {
    let registry = &context.node().scheduler().registry;
    let look = |address| {
        registry.with(address, |cell| Figures {
            address,
            messages: cell.stats.messages(),
            cpu_ns: cell.stats.cpu_ns(),
            queue: cell.stats.backlog() + cell.mailbox.len(),
            memory: cell.memory(),
        })
    };
    registry.addresses().into_iter().filter_map(look).collect()
}

/// `survey()`: a table of all services of the node, by address, each a table { cpu (seconds),
/// message, mqlen, memory (bytes of Lua) }. Services that hang are in it as all others.
pub(super) unsafe extern "C-unwind" fn survey(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; running out of memory here leaks one vector.
    unsafe {
        let figures = survey_of(&(*vm_of(l)).context);
        lua_createtable(l, 0, figures.len() as c_int);
        for figure in figures {
            lua_createtable(l, 0, 4);
            lua_pushnumber(l, figure.cpu_ns as f64 / 1e9);
            lua_setfield(l, -2, c"cpu".as_ptr());
            lua_pushinteger(l, figure.messages as lua_Integer);
            lua_setfield(l, -2, c"message".as_ptr());
            lua_pushinteger(l, figure.queue as lua_Integer);
            lua_setfield(l, -2, c"mqlen".as_ptr());
            lua_pushinteger(l, figure.memory as lua_Integer);
            lua_setfield(l, -2, c"memory".as_ptr());
            lua_rawseti(l, -2, figure.address.bits().into());
        }
        1
    }
}

/// `go_on(co)`: lets a coroutine of the dispatcher that stopped in a hook go on. Returns whether
/// it was one that does not wait for anything.
pub(super) unsafe extern "C-unwind" fn go_on(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        let vm = vm_of(l);
        let thread = lua_tothread(l, 1);
        let task = if thread.is_null() { std::ptr::null_mut() } else { task_of(thread) };
        let stopped = !task.is_null()
            && (*task).waits == 0
            && mlua::ffi::lua_status(thread) == mlua::ffi::LUA_YIELD;
        if stopped {
            let session = (*vm).new_session();
            (*task).waits = session;
            (*vm).waiters.insert(session, Waiter::Sleep { task, timed: false });
            (*vm).wakeups.push_back(session);
        }
        mlua::ffi::lua_pushboolean(l, stopped.into());
        1
    }
}
