//! Timeouts whose coroutine nobody has seen: only their function waits.
//!
//! The functions are in a table of their own, which is dropped when none waits any more: so a
//! burst of timeouts gives its memory back.

use std::ffi::c_int;

use mlua::ffi::{
    LUA_REGISTRYINDEX, lua_State, lua_createtable, lua_pop, lua_pushvalue, lua_rawgeti, lua_xmove,
    luaL_ref, luaL_unref,
};

use super::task::Task;
use super::vm::{Vm, Waiter};
use crate::message::Session;

/// Runs the function at stack index 2 after a time.
///
/// # Safety
/// Rules 1 and 2 of `vm.rs`.
pub(super) unsafe fn add(vm: *mut Vm, l: *mut lua_State, centis: i64) {
    // SAFETY: as the caller's.
    unsafe {
        if (*vm).refs.later == 0 {
            lua_createtable(l, 4, 0);
            (*vm).refs.later = luaL_ref(l, LUA_REGISTRYINDEX);
        }
        lua_rawgeti(l, LUA_REGISTRYINDEX, (*vm).refs.later.into());
        lua_pushvalue(l, 2);
        let function = luaL_ref(l, -2);
        (*vm).later_count += 1;
        let session = (*vm).new_session();
        (*vm).waiters.insert(session, Waiter::Later { function });
        (*vm).context.timeout_with(Session::new(session), centis);
    }
}

/// Takes a function whose time has come, as a task that is ready to run.
///
/// # Safety
/// Rules 1 and 2 of `vm.rs`; the function waits.
pub(super) unsafe fn begin(vm: *mut Vm, l: *mut lua_State, function: c_int) -> *mut Task {
    // SAFETY: as the caller's.
    unsafe {
        let task = Vm::take_task(vm, l);
        lua_rawgeti(l, LUA_REGISTRYINDEX, (*vm).refs.later.into());
        lua_rawgeti(l, -1, function.into());
        lua_xmove(l, (*task).thread, 1);
        luaL_unref(l, -1, function);
        lua_pop(l, 1);
        (*vm).later_count -= 1;
        if (*vm).later_count == 0 {
            luaL_unref(l, LUA_REGISTRYINDEX, (*vm).refs.later);
            (*vm).refs.later = 0;
        }
        task
    }
}

/// Gives every waiting function its coroutine, for those who want to see them all.
///
/// # Safety
/// Rules 1 and 2 of `vm.rs`.
pub(super) unsafe fn materialise(vm: *mut Vm, l: *mut lua_State) {
    // SAFETY: as the caller's; the sessions are kept in the Vm while something may raise.
    unsafe {
        if (*vm).later_count == 0 {
            return;
        }
        (*vm).scratch_sessions.clear();
        (*vm).scratch_sessions.extend((*vm).waiters.iter().filter_map(|(session, waiter)| {
            matches!(waiter, Waiter::Later { .. }).then_some(*session)
        }));
        for at in 0..(*vm).scratch_sessions.len() {
            let session = Vm::found_session(vm, at);
            let Some(&Waiter::Later { function }) = (*vm).waiters.get(&session) else { continue };
            let task = begin(vm, l, function);
            (*task).waits = session;
            (*vm).waiters.insert(session, Waiter::Start { task });
        }
    }
}
