//! Tasks: the coroutines that the dispatcher makes, one for each message, fork and timeout.
//!
//! A finished coroutine is kept and runs a later task, the most recently finished one first. Its
//! Lua thread stays anchored in a table, so the garbage collector never takes it away under us.
//!
//! The pool gives memory back: it keeps at most [`Tasks::trim`]'s worth, the largest number of
//! tasks that were in use at once since the last look.

use std::ffi::c_int;

use mlua::ffi::{
    LUA_REGISTRYINDEX, lua_Integer, lua_State, lua_newthread, lua_pop, lua_pushnil, lua_pushthread,
    lua_rawgeti, lua_rawseti, lua_xmove,
};

use super::calls;
use super::trace::Tag;
use super::vm::{TASK, Vm, Waiter, set_extra};
use crate::message::{Address, Kind, Session};

/// The pool may always keep this many.
const POOL_KEPT: usize = 64;

/// The pool is trimmed once in so many returned tasks.
const TRIM_PERIOD: u32 = 8192;

/// A coroutine of the dispatcher, and the request it handles.
pub(super) struct Task {
    pub(super) vm: *mut Vm,
    pub(super) thread: *mut lua_State,
    anchor: c_int,
    /// The request's session: 0 for a plain send, `None` outside of requests and once answered.
    pub(super) owes: Option<Session>,
    /// Who sent the request; nobody outside of requests.
    pub(super) source: Address,
    /// The request's kind.
    pub(super) kind: Kind,
    /// The session that this task waits for; 0 when it runs or is in the pool.
    pub(super) waits: i32,
    /// In a call: the kind of its request,
    pub(super) asks: Kind,
    /// the scheduler's clock when it was sent,
    pub(super) asks_since_ns: u64,
    /// and whether it was reported as old.
    pub(super) reported: bool,
    /// Whether it sleeps on itself as the token.
    pub(super) sleeps_on_itself: bool,
    /// The trace tag of its request.
    pub(super) tag: Tag,
    /// Where its timeout was armed (`skynet.trace_timeout`).
    pub(super) armed_at: Option<Box<[u8]>>,
}

/// All tasks of a service.
#[derive(Default)]
pub(super) struct Tasks {
    idle: Vec<*mut Task>,
    free_anchors: Vec<c_int>,
    in_use: usize,
    in_use_max: usize,
    returns: u32,
    /// Every task at its anchor's index - 1; null where one was freed.
    all: Vec<*mut Task>,
}

impl Vm {
    /// Returns an idle task, with an empty stack. Raises when there is no memory for a new one.
    ///
    /// # Safety
    /// `vm` is live and its state runs in `l` in protected mode (rules 1 and 2).
    pub(super) unsafe fn take_task(vm: *mut Vm, l: *mut lua_State) -> *mut Task {
        // SAFETY: rule 1; new_task is called with nothing owned.
        unsafe {
            let task = match (*vm).tasks.idle.pop() {
                Some(task) => task,
                None => new_task(vm, l),
            };
            let tasks = &mut (*vm).tasks;
            tasks.in_use += 1;
            tasks.in_use_max = tasks.in_use_max.max(tasks.in_use);
            task
        }
    }

    /// Gives a finished task back. Its stack is empty.
    ///
    /// # Safety
    /// `vm` is live; `task` is one of its tasks, has finished and is in no queue.
    pub(super) unsafe fn return_task(vm: *mut Vm, task: *mut Task) {
        // SAFETY: rule 1.
        unsafe {
            (*task).owes = None;
            (*task).source = Address::NOBODY;
            Vm::stop_waiting(vm, task);
            (*task).tag = Tag::None;
            (*task).armed_at = None;
            let tasks = &mut (*vm).tasks;
            tasks.in_use -= 1;
            tasks.idle.push(task);
            tasks.returns = tasks.returns.wrapping_add(1);
            if tasks.returns.is_multiple_of(TRIM_PERIOD) {
                Vm::trim(vm);
            }
        }
    }

    /// Lets the garbage collector have the threads beyond the most that were in use at once since
    /// the last time.
    ///
    /// # Safety
    /// `vm` is live and its state is in no Lua call that holds idle tasks.
    unsafe fn trim(vm: *mut Vm) {
        // SAFETY: rule 1. Setting an existing array slot to nil allocates nothing, so it cannot
        // raise.
        unsafe {
            let main = (*vm).main;
            let tasks = &mut (*vm).tasks;
            let kept = std::mem::replace(&mut tasks.in_use_max, tasks.in_use).max(POOL_KEPT);
            lua_rawgeti(main, LUA_REGISTRYINDEX, (*vm).refs.anchors.into());
            while (*vm).tasks.idle.len() > kept {
                // The oldest ones go, they are the coldest.
                let task = (*vm).tasks.idle.swap_remove(0);
                Vm::free_task(vm, task);
            }
            lua_pop(main, 1);
        }
    }

    /// Lets the garbage collector have all idle threads but a few.
    ///
    /// # Safety
    /// As `trim`.
    pub(super) unsafe fn release_idle_tasks(vm: *mut Vm) {
        // SAFETY: the caller's. The first look forgets how many were in use.
        unsafe {
            Vm::trim(vm);
            Vm::trim(vm);
            (*vm).tasks.idle.shrink_to_fit();
        }
    }

    /// Frees a task's record and lets the garbage collector have its thread. The table of anchors
    /// is on top of the main stack.
    unsafe fn free_task(vm: *mut Vm, task: *mut Task) {
        // SAFETY: as `trim`; the record was made by Box::into_raw and is in no queue.
        unsafe {
            let main = (*vm).main;
            if std::ptr::eq((*vm).starter, task) {
                (*vm).starter = std::ptr::null_mut();
            }
            let all = &mut (*vm).tasks.all;
            if let Some(slot) = all.get_mut((*task).anchor as usize - 1) {
                *slot = std::ptr::null_mut();
            }
            let task = Box::from_raw(task);
            lua_pushnil(main);
            lua_rawseti(main, -2, lua_Integer::from(task.anchor));
            // The thread may live on in user code; it must not find its task any more.
            set_extra(task.thread, vm as usize);
            (*vm).tasks.free_anchors.push(task.anchor);
        }
    }

    /// Ends a task that raised. Its thread is not used again: an error that left a hook (a signal)
    /// has turned the hooks of that thread off for good.
    ///
    /// # Safety
    /// As [`Vm::return_task`].
    pub(super) unsafe fn discard_task(vm: *mut Vm, task: *mut Task) {
        // SAFETY: as the caller's.
        unsafe {
            Vm::stop_waiting(vm, task);
            (*vm).tasks.in_use -= 1;
            lua_rawgeti((*vm).main, LUA_REGISTRYINDEX, (*vm).refs.anchors.into());
            Vm::free_task(vm, task);
            lua_pop((*vm).main, 1);
        }
    }

    /// Forgets what a task waits for, if it waits: what still comes for that session is dropped.
    /// So whoever is in the table of waiters is a live task that waits for that very session.
    ///
    /// # Safety
    /// Rule 1; the task is live.
    pub(super) unsafe fn stop_waiting(vm: *mut Vm, task: *mut Task) {
        // SAFETY: as the caller's.
        unsafe {
            let session = std::mem::take(&mut (*task).waits);
            if session != 0 {
                Vm::abandon(vm, session);
            }
        }
    }

    #[cold]
    unsafe fn abandon(vm: *mut Vm, session: i32) {
        // SAFETY: rule 1.
        unsafe {
            if let Some(&Waiter::Call { callee, .. }) = (*vm).waiters.get(&session) {
                calls::tell_given_up(vm, session, callee);
            }
            (*vm).named_calls.remove(&session);
            match (*vm).waiters.get(&session) {
                None => {}
                // Nothing will come.
                Some(Waiter::Sleep { timed: false, .. }) => drop((*vm).waiters.remove(&session)),
                Some(_) => drop((*vm).waiters.insert(session, Waiter::Ignored)),
            }
        }
    }

    /// Returns all tasks: idle, waiting, and about to start. Called when none runs.
    pub(super) fn all_tasks(&self) -> Vec<*mut Task> {
        self.tasks.all.iter().copied().filter(|task| !task.is_null()).collect()
    }

    /// Frees the records of all tasks; their threads go with the state.
    ///
    /// # Safety
    /// The state has been closed and nobody uses a task any more.
    pub(super) unsafe fn free_tasks(all: Vec<*mut Task>) {
        for task in all {
            // SAFETY: every task is made by Box::into_raw in `new_task` and freed once, here or
            // in `trim`.
            drop(unsafe { Box::from_raw(task) });
        }
    }
}

/// Makes a task with a new Lua thread.
///
/// # Safety
/// As [`Vm::take_task`].
unsafe fn new_task(vm: *mut Vm, l: *mut lua_State) -> *mut Task {
    // SAFETY: rules 1 and 2: nothing is owned while newthread or rawseti may raise.
    unsafe {
        lua_rawgeti(l, LUA_REGISTRYINDEX, (*vm).refs.anchors.into());
        let thread = lua_newthread(l);
        // Chosen now: finalizers that ran just before may have made tasks of their own.
        let anchor =
            (*vm).tasks.free_anchors.pop().unwrap_or_else(|| (*vm).tasks.all.len() as c_int + 1);
        lua_rawseti(l, -2, anchor.into());
        lua_pop(l, 1);
        let task = Box::into_raw(Box::new(Task {
            vm,
            thread,
            anchor,
            owes: None,
            source: Address::NOBODY,
            kind: Kind::TEXT,
            waits: 0,
            asks: Kind::TEXT,
            asks_since_ns: 0,
            reported: false,
            sleeps_on_itself: false,
            tag: Tag::None,
            armed_at: None,
        }));
        set_extra(thread, task as usize | TASK);
        let all = &mut (*vm).tasks.all;
        let slot = anchor as usize - 1;
        if slot == all.len() {
            all.push(task);
        } else if let Some(free) = all.get_mut(slot) {
            *free = task;
        }
        task
    }
}

impl Task {
    /// Takes the session of a requester that still waits for this task's answer. Nobody waits
    /// for what a handler of ERROR messages makes of them.
    pub(super) fn take_debt(&mut self) -> Option<Session> {
        let owed = self.owes.take();
        owed.filter(|session| *session != Session::NONE && self.kind != Kind::ERROR)
    }

    /// Pushes the task's coroutine onto another thread's stack.
    ///
    /// # Safety
    /// `task` is live, `l` belongs to the same state, both have a free slot.
    pub(super) unsafe fn push(task: *mut Task, l: *mut lua_State) {
        // SAFETY: as the caller's.
        unsafe {
            lua_pushthread((*task).thread);
            if !std::ptr::eq((*task).thread, l) {
                lua_xmove((*task).thread, l, 1);
            }
        }
    }
}
