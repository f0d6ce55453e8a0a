//! Runs tasks, and keeps the order in which a service's coroutines run. Spec: Lua API section 3.3.
//!
//! After each suspension: wake-ups first in, first out, each to its next suspension; then calls
//! that failed; then forks, each again with what it woke; then the message is done.

use std::ffi::{CStr, c_int};
use std::ptr;

use mlua::ffi::{
    self, LUA_OK, LUA_YIELD, lua_State, lua_closethread, lua_gettop, lua_pop, lua_resume,
    lua_settop, lua_tolstring, lua_type, luaL_tolstring, luaL_traceback,
};

use super::send::post_error;
use super::task::Task;
use super::trace;
use super::vm::{Answer, Suspension, Vm, Waiter};

impl Vm {
    /// Runs a task that is new or whose answer is set, and everything that becomes runnable by
    /// it, but not the forks.
    ///
    /// # Safety
    /// Rule 1; `task` is not running; its stack holds `args` values for it.
    pub(super) unsafe fn run(vm: *mut Vm, task: *mut Task, args: c_int) {
        // SAFETY: as the caller's.
        unsafe {
            let mut went_well = Vm::resume(vm, task, args);
            // After an error the rest waits for the next suspension, that of the next fork.
            while went_well && !(*vm).exited {
                let Some((next, args)) = Vm::next_ready(vm) else { return };
                went_well = Vm::resume(vm, next, args);
            }
        }
    }

    /// Runs the forks, and what they wake, until nothing is left to run.
    ///
    /// # Safety
    /// Rule 1; no task runs.
    pub(super) unsafe fn run_forks(vm: *mut Vm) {
        // SAFETY: as the caller's; a fork's stack holds its function and arguments.
        unsafe {
            loop {
                if let Some(fork) = (*vm).forks.pop_front() {
                    Vm::run(vm, fork, lua_gettop((*fork).thread) - 1);
                } else if let Some((left, args)) = Vm::next_ready(vm) {
                    // Left behind by a task that raised.
                    Vm::run(vm, left, args);
                } else {
                    return;
                }
            }
        }
    }

    /// Takes the next task to resume, and how many values on its stack are for it: those that
    /// were woken first, then those whose call failed.
    unsafe fn next_ready(vm: *mut Vm) -> Option<(*mut Task, c_int)> {
        // SAFETY: rule 1.
        unsafe { Vm::next_woken(vm).map(|task| (task, 0)).or_else(|| Vm::next_failed(vm)) }
    }

    /// Takes the next task that was woken and still sleeps.
    unsafe fn next_woken(vm: *mut Vm) -> Option<*mut Task> {
        // SAFETY: rule 1.
        unsafe {
            while let Some(session) = (*vm).wakeups.pop_front() {
                let Some(&Waiter::Sleep { task, timed }) = (*vm).waiters.get(&session) else {
                    continue;
                };
                if timed {
                    // Its timer is still to come.
                    (*vm).waiters.insert(session, Waiter::Ignored);
                } else {
                    (*vm).waiters.remove(&session);
                }
                (*vm).answer = Answer::Break;
                return Some(task);
            }
            None
        }
    }

    /// Takes the next task whose call failed, or makes one for a function of `expect`.
    unsafe fn next_failed(vm: *mut Vm) -> Option<(*mut Task, c_int)> {
        // SAFETY: rule 1.
        unsafe {
            while let Some(session) = (*vm).failures.pop_front() {
                match (*vm).waiters.remove(&session) {
                    Some(Waiter::Call { task, .. }) => {
                        (*vm).answer = Answer::Failed;
                        return Some((task, 0));
                    }
                    Some(Waiter::Expect { function }) => {
                        (*vm).expected_from.remove(&session);
                        return Some(super::dispatch::expected(vm, function, false));
                    }
                    // Forgotten meanwhile: this failure was its answer.
                    Some(Waiter::Ignored) | None => {}
                    Some(other) => drop((*vm).waiters.insert(session, other)),
                }
            }
            None
        }
    }

    /// Resumes a task once. Returns false when it raised an error.
    unsafe fn resume(vm: *mut Vm, task: *mut Task, args: c_int) -> bool {
        // SAFETY: rule 1; resume catches errors, so nothing is jumped over.
        unsafe {
            let thread = (*task).thread;
            (*vm).running = task;
            (*vm).suspension = Suspension::Raw;
            (*task).waits = 0;
            (*vm).trap.enter(thread);
            let mut results = 0;
            let status = lua_resume(thread, (*vm).main, args, &mut results);
            (*vm).trap.enter((*vm).main);
            (*vm).running = ptr::null_mut();
            match status {
                LUA_YIELD if (*vm).suspension == Suspension::Blocked => true,
                LUA_YIELD => Vm::yielded(vm, task, results),
                LUA_OK => {
                    Vm::finished(vm, task);
                    true
                }
                _ => {
                    Vm::raised(vm, task);
                    false
                }
            }
        }
    }

    /// A task returned from its function.
    unsafe fn finished(vm: *mut Vm, task: *mut Task) {
        // SAFETY: rule 1; the thread is finished, so its stack may be emptied.
        unsafe {
            trace::task_ended(vm, task);
            if let Some(session) = (*task).owes
                && session.number() != 0
            {
                super::unhandled::report_forgotten(vm, task, session);
            }
            lua_settop((*task).thread, 0);
            Vm::return_task(vm, task);
        }
    }

    /// A task yielded something else than a wait.
    unsafe fn yielded(vm: *mut Vm, task: *mut Task, results: c_int) -> bool {
        // SAFETY: rule 1; the values yielded are on top of the thread's stack.
        unsafe {
            let thread = (*task).thread;
            match (*vm).suspension {
                Suspension::Quit => {
                    close(vm, thread);
                    Vm::return_task(vm, task);
                    // The wake-up step is not run.
                    (*vm).wakeups.clear();
                    (*vm).failures.clear();
                    true
                }
                Suspension::Nested => {
                    let text = c"Call skynet.coroutine.yield out of skynet.coroutine.resume";
                    note_error(vm, thread, text);
                    true
                }
                _ if results == 0 || lua_type(thread, -results) == ffi::LUA_TNIL => {
                    // A raw `coroutine.yield()`: the coroutine is left alone.
                    lua_pop(thread, results);
                    true
                }
                _ => {
                    let word = lua_tolstring(thread, -results, ptr::null_mut());
                    let known = !word.is_null() && CStr::from_ptr(word) == c"SUSPEND";
                    if !known {
                        luaL_tolstring(thread, -results, ptr::null_mut());
                        ffi::lua_pushfstring(
                            thread,
                            c"Unknown command : %s".as_ptr(),
                            lua_tolstring(thread, -1, ptr::null_mut()),
                        );
                        let text = CStr::from_ptr(lua_tolstring(thread, -1, ptr::null_mut()));
                        note_error(vm, thread, text);
                        lua_pop(thread, 2);
                    }
                    lua_pop(thread, results);
                    true
                }
            }
        }
    }

    /// A task raised an error: its requester learns at once, the log line comes with the end of
    /// the message.
    unsafe fn raised(vm: *mut Vm, task: *mut Task) {
        // SAFETY: rule 1; the error value is on top of the thread's stack.
        unsafe {
            let thread = (*task).thread;
            trace::task_failed(vm, task);
            if let Some(session) = (*task).owes.take()
                && session.number() != 0
            {
                post_error(vm, (*task).source, session);
            }
            note_error_value(vm, thread);
            close(vm, thread);
            Vm::discard_task(vm, task);
        }
    }
}

/// Closes a coroutine: its to-be-closed variables run now, and its stack is empty afterwards.
///
/// # Safety
/// Rule 1; `thread` is a task's thread that does not run.
pub(super) unsafe fn close(vm: *mut Vm, thread: *mut lua_State) {
    // SAFETY: as the caller's; errors of closing methods end up as a value on the stack.
    unsafe {
        lua_closethread(thread, (*vm).main);
        lua_settop(thread, 0);
    }
}

/// Adds the error value on top of a thread's stack, with its traceback, to the errors of this
/// message.
unsafe fn note_error_value(vm: *mut Vm, thread: *mut lua_State) {
    // SAFETY: rule 1. This runs in the dispatcher's protected mode; nothing is owned while
    // tolstring or traceback may raise. The value moves first: a thread that raised has no room
    // for another one.
    unsafe {
        let main = (*vm).main;
        ffi::lua_xmove(thread, main, 1);
        luaL_tolstring(main, -1, ptr::null_mut());
        ffi::lua_remove(main, -2);
        let text = lua_tolstring(main, -1, ptr::null_mut());
        luaL_traceback(main, thread, text, 0);
        take_error_text(vm);
        lua_pop(main, 1);
    }
}

/// Adds a text with the traceback of a thread to the errors of this message.
unsafe fn note_error(vm: *mut Vm, thread: *mut lua_State, text: &CStr) {
    // SAFETY: as `note_error_value`.
    unsafe {
        luaL_traceback((*vm).main, thread, text.as_ptr(), 0);
        take_error_text(vm);
    }
}

/// Pops the string on top of the main thread's stack and appends it to the errors.
unsafe fn take_error_text(vm: *mut Vm) {
    // SAFETY: rule 1; the string lives on the stack while it is copied.
    unsafe {
        let main = (*vm).main;
        let mut len = 0;
        let text = lua_tolstring(main, -1, &mut len);
        if !text.is_null() {
            let errors = &mut (*vm).errors;
            if !errors.is_empty() {
                errors.push(b'\n');
            }
            errors.extend_from_slice(std::slice::from_raw_parts(text.cast(), len));
        }
        lua_pop(main, 1);
    }
}
