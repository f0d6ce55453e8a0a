//! The end of a service, and what it does when others end: `exit`, `term`. Lua API 3.6 and 3.7.

use std::ffi::c_int;

use mlua::ffi::{lua_State, lua_isnumber, lua_tointegerx, lua_tolstring, lua_yieldk};

use super::fork::{kill, waiting_task};
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
        drop_forks(vm);
        let own = (*vm).context.address();
        tell_launcher(vm, &[Value::from("REMOVE"), Value::from(own.bits()), Value::from(false)]);
        fail_requests(vm);
        let callees = callees(vm);
        close_waiting(vm, l);
        reply::fail_all(vm);
        for callee in callees {
            post_error(vm, callee, Session::NONE);
        }
        (*vm).exited = true;
        (*vm).context.exit();
        (*vm).suspension = Suspension::Quit;
        lua_yieldk(l, 0, 0, None)
    }
}

/// Drops the forks that have not started.
unsafe fn drop_forks(vm: *mut Vm) {
    // SAFETY: rule 1; the stacks of forks that never ran hold plain values.
    unsafe {
        while let Some(fork) = (*vm).forks.pop_front() {
            close(vm, (*fork).thread);
            Vm::return_task(vm, fork);
        }
    }
}

/// Tells everybody whose request is in progress that it fails.
unsafe fn fail_requests(vm: *mut Vm) {
    // SAFETY: rule 1.
    unsafe {
        fail_request(vm, (*vm).running);
        for task in waiting(vm) {
            fail_request(vm, task);
        }
    }
}

unsafe fn fail_request(vm: *mut Vm, task: *mut Task) {
    // SAFETY: rule 1; the task is live or null.
    unsafe {
        if let Some(task) = task.as_mut()
            && let Some(session) = task.owes.take()
            && session != Session::NONE
        {
            post_error(vm, task.source, session);
        }
    }
}

/// Returns the tasks that wait for something, in the order of their sessions.
unsafe fn waiting(vm: *mut Vm) -> Vec<*mut Task> {
    // SAFETY: rule 1.
    unsafe {
        let mut waiters: Vec<_> = (*vm)
            .waiters
            .iter()
            .filter_map(|(session, waiter)| Some((*session, waiting_task(waiter)?)))
            .collect();
        waiters.sort_unstable_by_key(|(session, _)| *session);
        waiters.into_iter().map(|(_, task)| task).collect()
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
        for task in waiting(vm) {
            kill(vm, l, task);
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
