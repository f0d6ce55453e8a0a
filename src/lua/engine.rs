//! Runs tasks, and keeps the order in which a service's coroutines run. Spec: Lua API section 3.3.
//!
//! After each suspension: wake-ups first in, first out, each to its next suspension; then calls
//! that failed; then forks, each again with what it woke; then the message is done.

use std::ffi::{CStr, c_int};
use std::ptr;

use mlua::ffi::{
    self, LUA_OK, LUA_YIELD, lua_State, lua_closethread, lua_concat, lua_gettop, lua_pop,
    lua_pushcfunction, lua_pushlightuserdata, lua_pushstring, lua_resume, lua_settop,
    lua_tolstring, lua_touserdata, lua_type, luaL_tolstring, luaL_traceback,
};

use super::profile;
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
                    Vm::begin(vm, fork);
                } else if let Some((left, args)) = Vm::next_ready(vm) {
                    // Left behind by a task that raised.
                    Vm::run(vm, left, args);
                } else {
                    return;
                }
            }
        }
    }

    /// Runs a task that has not begun: its stack holds its function and arguments, or nothing when
    /// user code has closed the coroutine.
    ///
    /// # Safety
    /// Rule 1; no task runs.
    pub(super) unsafe fn begin(vm: *mut Vm, task: *mut Task) {
        // SAFETY: as the caller's.
        unsafe {
            match lua_gettop((*task).thread) {
                0 => Vm::return_task(vm, task),
                values => Vm::run(vm, task, values - 1),
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
                        (*vm).answer = match (*vm).explains(session) {
                            true => Answer::Explained,
                            false => Answer::Failed,
                        };
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
            profile::resumes(vm, (*vm).main, thread);
            let mut results = 0;
            let status = lua_resume(thread, (*vm).main, args, &mut results);
            profile::suspends(vm, (*vm).main, thread);
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

    /// Tells the requester of a task, if it still waits, that its request fails.
    ///
    /// # Safety
    /// Rule 1; the task is live.
    pub(super) unsafe fn fail_request(vm: *mut Vm, task: *mut Task) {
        // SAFETY: as the caller's.
        unsafe {
            if let Some(session) = (*task).take_debt() {
                post_error(vm, (*task).source, session);
            }
        }
    }

    /// A task returned from its function.
    unsafe fn finished(vm: *mut Vm, task: *mut Task) {
        // SAFETY: rule 1; the thread is finished, so its stack may be emptied.
        unsafe {
            trace::task_ended(vm, task);
            if let Some(session) = (*task).take_debt() {
                let registry = &(*vm).context.node().scheduler().registry;
                let lives = |source| registry.with(source, |_| ()).is_some();
                (*vm).calls.forget_request(lives, ((*task).source, session));
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
                    close(vm, (*vm).main, thread);
                    Vm::return_task(vm, task);
                    // The wake-up step is not run.
                    (*vm).wakeups.clear();
                    (*vm).failures.clear();
                    true
                }
                Suspension::Nested => {
                    let text = c"Call skynet.coroutine.yield out of skynet.coroutine.resume";
                    note_error(vm, thread, text, 0);
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
                    lua_pop(thread, results - 1);
                    match known {
                        true => lua_pop(thread, 1),
                        false => note_error(vm, thread, c"Unknown command : ", 1),
                    }
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
            Vm::fail_request(vm, task);
            note_error(vm, thread, c"", 1);
            close(vm, (*vm).main, thread);
            Vm::discard_task(vm, task);
        }
    }
}

/// Closes a coroutine: its to-be-closed variables run now, and its stack is empty afterwards. A
/// coroutine that user code resumed by hand and that runs at present is left alone: false.
///
/// # Safety
/// Rule 1; `thread` is a task's thread, `from` the one that runs.
pub(super) unsafe fn close(vm: *mut Vm, from: *mut lua_State, thread: *mut lua_State) -> bool {
    // SAFETY: as the caller's; errors of closing methods end up as a value on the stack.
    unsafe {
        if is_active(thread) {
            return false;
        }
        let outer = (*vm).trap.enter(thread);
        lua_closethread(thread, from);
        (*vm).trap.enter(outer);
        lua_settop(thread, 0);
        true
    }
}

/// Tells whether a thread runs or has resumed the one that runs.
unsafe fn is_active(thread: *mut lua_State) -> bool {
    // SAFETY: as the caller's: a live thread.
    unsafe {
        let mut frame: ffi::lua_Debug = std::mem::zeroed();
        ffi::lua_status(thread) == LUA_OK && ffi::lua_getstack(thread, 0, &mut frame) != 0
    }
}

/// Adds a text to the errors of this message: the prefix, then the values (one or none) that it
/// takes from the top of the thread's stack, then the thread's traceback.
unsafe fn note_error(vm: *mut Vm, thread: *mut lua_State, prefix: &CStr, values: c_int) {
    // SAFETY: rule 1. Nothing here raises: what may is called in protected mode. The value moves
    // to the main thread: a thread that raised has no room for another one.
    unsafe {
        let main = (*vm).main;
        lua_pushcfunction(main, describe);
        lua_pushlightuserdata(main, thread.cast());
        lua_pushlightuserdata(main, prefix.as_ptr().cast_mut().cast());
        ffi::lua_xmove(thread, main, values);
        // When that raises as well, its error is what is told.
        ffi::lua_pcall(main, 2 + values, 1, 0);
        take_error_text(vm);
    }
}

/// `(thread, prefix [, value])`: the text of an error.
unsafe extern "C-unwind" fn describe(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this with what `note_error` pushed.
    unsafe {
        let thread = lua_touserdata(l, 1).cast::<lua_State>();
        let has_value = lua_gettop(l) == 3;
        lua_pushstring(l, lua_touserdata(l, 2).cast());
        if has_value {
            luaL_tolstring(l, 3, ptr::null_mut());
            lua_concat(l, 2);
        }
        luaL_traceback(l, thread, lua_tolstring(l, -1, ptr::null_mut()), 0);
        1
    }
}

/// Pops the value on top of the main thread's stack and appends its text to the errors.
unsafe fn take_error_text(vm: *mut Vm) {
    // SAFETY: rule 1; a string lives on the stack while it is copied, and converting nothing else
    // raises nothing.
    unsafe {
        let main = (*vm).main;
        let mut len = 0;
        let text = match lua_type(main, -1) {
            ffi::LUA_TSTRING => lua_tolstring(main, -1, &mut len).cast(),
            _ => ptr::null::<u8>(),
        };
        let text = match text.is_null() {
            true => &b"(no error message)"[..],
            false => std::slice::from_raw_parts(text, len),
        };
        let errors = &mut (*vm).errors;
        if !errors.is_empty() {
            errors.push(b'\n');
        }
        errors.extend_from_slice(text);
        lua_pop(main, 1);
    }
}
