//! The end of a service, and what it does when others end: `exit`, `term`. Lua API 3.6 and 3.7.

use std::ffi::c_int;

use mlua::ffi::{lua_State, lua_isnumber, lua_tointegerx, lua_tolstring, lua_yieldk};

use super::fork::{end, waiting_task};
use super::reply;
use super::start::tell_launcher;
use crate::codec::seri::Value;
use crate::lua::engine::close;
use crate::lua::failures::service_gone;
use crate::lua::send::post_error;
use crate::lua::task::Task;
use crate::lua::vm::{Suspension, Vm, Waiter, vm_of};
use crate::message::{Address, Session};

/// `exit()`: does not return.
pub(super) unsafe extern "C-unwind" fn exit(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; what owns memory is in functions that return before anything here
    // raises or yields.
    unsafe {
        let vm = vm_of(l);
        // Closing methods may call it again.
        if !(*vm).exited {
            (*vm).exited = true;
            leave(vm, l);
        }
        (*vm).suspension = Suspension::Quit;
        lua_yieldk(l, 0, 0, None)
    }
}

/// Ends everything that is under way, tells everybody concerned, and retires.
unsafe fn leave(vm: *mut Vm, l: *mut lua_State) {
    // SAFETY: rule 1; nothing here raises.
    unsafe {
        drop_forks(vm, l);
        let own = (*vm).context.address();
        tell_launcher(vm, &[Value::from("REMOVE"), Value::from(own.bits()), Value::from(false)]);
        fail_requests(vm);
        let callees = callees(vm);
        close_waiting(vm, l);
        reply::fail_all(vm);
        for callee in callees {
            post_error(vm, callee, Session::NONE);
        }
        (*vm).context.exit();
    }
}

/// Drops the forks that have not started.
unsafe fn drop_forks(vm: *mut Vm, l: *mut lua_State) {
    // SAFETY: rule 1; the stacks of forks that never ran hold plain values.
    unsafe {
        while let Some(fork) = (*vm).forks.pop_front() {
            if close(vm, l, (*fork).thread) {
                Vm::return_task(vm, fork);
            }
        }
    }
}

/// Tells everybody whose request is in progress that it fails.
unsafe fn fail_requests(vm: *mut Vm) {
    // SAFETY: rule 1.
    unsafe {
        let running = (*vm).running;
        if !running.is_null() {
            Vm::fail_request(vm, running);
        }
        for session in waiting(vm) {
            Vm::fail_request(vm, task_that_waits(vm, session));
        }
    }
}

/// Returns the sessions that tasks wait for, in their order.
unsafe fn waiting(vm: *mut Vm) -> Vec<i32> {
    // SAFETY: rule 1.
    unsafe {
        let waiters = (*vm).waiters.iter();
        let mut sessions: Vec<_> = waiters
            .filter_map(|(session, waiter)| waiting_task(waiter).map(|_| *session))
            .collect();
        sessions.sort_unstable();
        sessions
    }
}

/// Returns the task that waits for a session; null if none does any more.
unsafe fn task_that_waits(vm: *mut Vm, session: i32) -> *mut Task {
    // SAFETY: rule 1.
    unsafe {
        let waiter = (*vm).waiters.get(&session);
        waiter.and_then(waiting_task).unwrap_or(std::ptr::null_mut())
    }
}

/// Returns whom this service is calling, each once.
unsafe fn callees(vm: *mut Vm) -> Vec<Address> {
    // SAFETY: rule 1.
    unsafe {
        let context = &(*vm).context;
        let by_number = (*vm).waiters.values().filter_map(|waiter| match waiter {
            Waiter::Call { callee, .. } if *callee != Address::NOBODY => Some(*callee),
            _ => None,
        });
        let expected = (*vm).expected_from.values().copied();
        let by_name = (*vm).named_calls.values().filter_map(|name| context.query_name(name));
        let mut callees: Vec<_> = by_number.chain(expected).chain(by_name).collect();
        callees.sort_unstable();
        callees.dedup();
        callees
    }
}

/// Closes every other coroutine that waits; their to-be-closed variables run now.
unsafe fn close_waiting(vm: *mut Vm, l: *mut lua_State) {
    // SAFETY: rule 1. Closing keeps errors as values, so the vector is dropped.
    unsafe {
        for session in waiting(vm) {
            // A closing method may have killed it meanwhile.
            let task = task_that_waits(vm, session);
            if !task.is_null() {
                end(vm, l, task);
            }
        }
        (*vm).wakeups.clear();
        (*vm).failures.clear();
    }
}

/// `term(addr)`: as if that service had just ended.
pub(super) unsafe extern "C-unwind" fn term(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the name stays on the stack while it is used.
    unsafe {
        let vm = vm_of(l);
        if lua_isnumber(l, 1) != 0 {
            let address = Address::new(lua_tointegerx(l, 1, std::ptr::null_mut()) as u32);
            service_gone(vm, address, None);
            return 0;
        }
        let mut len = 0;
        let name = lua_tolstring(l, 1, &mut len);
        if !name.is_null() {
            let name = std::slice::from_raw_parts(name.cast(), len);
            service_gone(vm, Address::NOBODY, Some(name));
        }
        0
    }
}
