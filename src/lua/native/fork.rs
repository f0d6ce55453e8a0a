//! New tasks: `fork`, `timeout`, and their end before time: `killthread`. Lua API 4.5.

use std::ffi::c_int;
use std::ptr;

use mlua::ffi::{
    self, LUA_TNIL, LUA_TTABLE, lua_State, lua_call, lua_getfield, lua_getglobal, lua_gettop,
    lua_insert, lua_next, lua_pop, lua_pushnil, lua_pushvalue, lua_rawset, lua_settop,
    lua_toboolean, lua_tointegerx, lua_tothread, lua_xmove, luaL_checkany, luaL_tolstring,
};

use super::queue::leave_all;
use super::{push_ref, sleep::ticks};
use crate::lua::engine::close;
use crate::lua::error::raise;
use crate::lua::later;
use crate::lua::task::Task;
use crate::lua::trace;
use crate::lua::vm::{Vm, Waiter, task_of, vm_of};
use crate::lua::wanted::nothing_wanted;
use crate::message::Session;

/// `fork(f, ...)`.
pub(super) unsafe extern "C-unwind" fn fork(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned while a new thread may raise.
    unsafe {
        let vm = vm_of(l);
        luaL_checkany(l, 1);
        let values = lua_gettop(l);
        let task = Vm::take_task(vm, l);
        if ffi::lua_checkstack((*task).thread, values) == 0 {
            Vm::return_task(vm, task);
            raise(l, c"too many arguments for a fork");
        }
        lua_xmove(l, (*task).thread, values);
        (*vm).forks.push_back(task);
        Task::push(task, l);
        1
    }
}

/// `timeout(ti, f)`.
pub(super) unsafe extern "C-unwind" fn timeout(l: *mut lua_State) -> c_int {
    // SAFETY: as `fork`.
    unsafe {
        let vm = vm_of(l);
        let centis = ticks(l, 1);
        luaL_checkany(l, 2);
        lua_settop(l, 2);
        if (*vm).trace.timeouts {
            trace::push_arming_point(vm, l, centis);
        }
        if !(*vm).trace.timeouts && nothing_wanted(l) {
            later::add(vm, l, centis);
            return 0;
        }
        let task = start_later(vm, l, centis);
        if (*vm).trace.timeouts {
            trace::keep_arming_point(l, task);
        }
        Task::push(task, l);
        1
    }
}

/// Makes a task that runs the function at stack index 2 after a time.
///
/// # Safety
/// Rules 1 and 2.
pub(super) unsafe fn start_later(vm: *mut Vm, l: *mut lua_State, centis: i64) -> *mut Task {
    // SAFETY: as the caller's.
    unsafe {
        let task = Vm::take_task(vm, l);
        lua_pushvalue(l, 2);
        lua_xmove(l, (*task).thread, 1);
        let session = (*vm).new_session();
        (*vm).context.timeout_with(Session::new(session), centis);
        (*task).waits = session;
        (*vm).waiters.insert(session, Waiter::Start { task });
        task
    }
}

/// `killthread(thread)`: a coroutine, or a pattern for `tostring` of one that waits.
pub(super) unsafe extern "C-unwind" fn killthread(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        let vm = vm_of(l);
        lua_settop(l, 1);
        let thread = lua_tothread(l, 1);
        if thread.is_null() {
            later::materialise(vm, l);
        }
        let task = if thread.is_null() { find_by_pattern(vm, l) } else { task_of(thread) };
        if task.is_null() || std::ptr::eq(task, (*vm).running) {
            return 0;
        }
        if let Some(at) = (*vm).forks.iter().position(|fork| ptr::eq(*fork, task)) {
            (*vm).forks.remove(at);
            Task::push(task, l);
            lua_settop((*task).thread, 0);
            Vm::return_task(vm, task);
            return 1;
        }
        if (*task).waits == 0 {
            return 0;
        }
        Task::push(task, l);
        kill(vm, l, task);
        1
    }
}

/// Ends a task that waits: its requester fails, its session is forgotten, its to-be-closed
/// variables run.
///
/// # Safety
/// Rules 1 and 2; the task waits and is anchored or on the stack.
pub(super) unsafe fn kill(vm: *mut Vm, l: *mut lua_State, task: *mut Task) {
    // SAFETY: as the caller's.
    unsafe {
        Vm::fail_request(vm, task);
        if !(*task).sleeps_on_itself {
            forget_token(vm, l, (*task).waits);
        }
        end(vm, l, task);
    }
}

/// Ends a task that waits: nothing reaches it any more, and its to-be-closed variables run.
///
/// # Safety
/// As [`kill`].
pub(super) unsafe fn end(vm: *mut Vm, l: *mut lua_State, task: *mut Task) {
    // SAFETY: as the caller's.
    unsafe {
        (*task).sleeps_on_itself = false;
        leave_all(vm, (*task).thread);
        // The closing methods run user code, to which this task is neither running nor waiting.
        Vm::stop_waiting(vm, task);
        if close(vm, l, (*task).thread) {
            Vm::return_task(vm, task);
        }
    }
}

/// Forgets the token that a task sleeps on, if it sleeps on one.
unsafe fn forget_token(vm: *mut Vm, l: *mut lua_State, session: i32) {
    // SAFETY: rules 1, 2 and 4.
    unsafe {
        if !matches!((*vm).waiters.get(&session), Some(Waiter::Sleep { .. })) {
            return;
        }
        push_ref(l, (*vm).refs.sleeping);
        lua_pushnil(l);
        while lua_next(l, -2) != 0 {
            if lua_tointegerx(l, -1, ptr::null_mut()) == i64::from(session) {
                lua_pop(l, 1);
                lua_pushnil(l);
                lua_rawset(l, -3);
                break;
            }
            lua_pop(l, 1);
        }
        lua_pop(l, 1);
    }
}

/// Finds a waiting task whose `tostring` matches the Lua pattern at index 1.
unsafe fn find_by_pattern(vm: *mut Vm, l: *mut lua_State) -> *mut Task {
    // SAFETY: rules 1 and 2: the sessions are kept in the Vm while Lua code runs.
    unsafe {
        if lua_getglobal(l, c"string".as_ptr()) != LUA_TTABLE
            || lua_getfield(l, -1, c"find".as_ptr()) == LUA_TNIL
        {
            return ptr::null_mut();
        }
        lua_insert(l, 1);
        lua_settop(l, 2);
        (*vm).scratch_sessions.clear();
        (*vm).scratch_sessions.extend((*vm).waiters.keys());
        for at in 0..(*vm).scratch_sessions.len() {
            let session = Vm::found_session(vm, at);
            let Some(task) = (*vm).waiters.get(&session).and_then(waiting_task) else { continue };
            lua_pushvalue(l, 1);
            Task::push(task, l);
            luaL_tolstring(l, -1, ptr::null_mut());
            ffi::lua_remove(l, -2);
            lua_pushvalue(l, 2);
            lua_call(l, 2, 1);
            let hit = lua_toboolean(l, -1) != 0;
            lua_pop(l, 1);
            if hit {
                return task;
            }
        }
        ptr::null_mut()
    }
}

/// Returns the task behind a waiter.
pub(super) fn waiting_task(waiter: &Waiter) -> Option<*mut Task> {
    match waiter {
        Waiter::Call { task, .. } | Waiter::Sleep { task, .. } | Waiter::Start { task } => {
            Some(*task)
        }
        Waiter::Later { .. } | Waiter::Expect { .. } | Waiter::CallCheck | Waiter::Ignored => None,
    }
}
