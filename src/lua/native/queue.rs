//! Critical sections: `skynet.queue`. Lua API section 8.
//!
//! A section is a closure whose first upvalue is a userdata with a [`Queue`]. Ownership passes to
//! the next coroutine at the moment the owner leaves, so nobody overtakes it before it runs. The
//! owner may enter again. A killed owner leaves its sections, too (`leave_all`).

use std::collections::VecDeque;
use std::ffi::c_int;
use std::ptr;

use mlua::ffi::{
    self, LUA_MULTRET, LUA_OK, LUA_TSTRING, LUA_YIELD, lua_KContext, lua_State, lua_createtable,
    lua_error, lua_gettop, lua_insert, lua_newuserdatauv, lua_pcallk, lua_pushcclosure,
    lua_pushcfunction, lua_pushvalue, lua_setfield, lua_setmetatable, lua_touserdata, lua_type,
    lua_upvalueindex, luaL_checkany, luaL_getmetatable,
};

use super::{block, require_yieldable};
use crate::lua::service::traceback;
use crate::lua::vm::{Vm, Waiter, vm_of};

/// The name of the metatable that ends queues.
const METATABLE: &std::ffi::CStr = c"ironsky.queue";

/// Where an entered section keeps the traceback handler; function and arguments follow.
const HANDLER: c_int = 1;

/// A critical section. Coroutines are compared, never dereferenced.
pub(in crate::lua) struct Queue {
    owner: *mut lua_State,
    depth: u32,
    /// Who waits: the coroutine and the session it sleeps on.
    waiting: VecDeque<(*mut lua_State, i32)>,
}

impl Queue {
    /// Makes a section that nobody is in. It owns no memory until somebody waits.
    fn new() -> Self {
        Self { owner: ptr::null_mut(), depth: 0, waiting: VecDeque::new() }
    }
}

/// `queue()`: a new critical section.
pub(super) unsafe extern "C-unwind" fn queue(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the userdata owns the queue from its initialisation on.
    unsafe {
        let vm = vm_of(l);
        let slot = lua_newuserdatauv(l, size_of::<Queue>(), 0).cast::<Queue>();
        if push_metatable(l) {
            lua_pushcfunction(l, collect);
            lua_setfield(l, -2, c"__gc".as_ptr());
        }
        slot.write(Queue::new());
        (*vm).queues.push(slot);
        lua_setmetatable(l, -2);
        lua_pushcclosure(l, enter, 1);
        1
    }
}

/// Pushes the metatable; true when it is new and empty.
unsafe fn push_metatable(l: *mut lua_State) -> bool {
    // SAFETY: rule 2.
    unsafe {
        luaL_getmetatable(l, METATABLE.as_ptr());
        if ffi::lua_isnil(l, -1) == 0 {
            return false;
        }
        ffi::lua_pop(l, 1);
        lua_createtable(l, 0, 1);
        lua_pushvalue(l, -1);
        lua_setfield(l, ffi::LUA_REGISTRYINDEX, METATABLE.as_ptr());
        true
    }
}

/// The finalizer of a section.
unsafe extern "C-unwind" fn collect(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this once with the userdata of `queue`.
    unsafe {
        let vm = vm_of(l);
        let slot = lua_touserdata(l, 1).cast::<Queue>();
        (*vm).queues.retain(|queue| !ptr::eq(*queue, slot));
        // Another finalizer may still enter it: it stays a section, an empty one.
        *slot = Queue::new();
        0
    }
}

/// The section: `cs(f, ...)` runs f when nobody else is inside.
unsafe extern "C-unwind" fn enter(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this closure with the userdata as its upvalue; nothing is owned.
    unsafe {
        luaL_checkany(l, 1);
        let vm = vm_of(l);
        let queue = lua_touserdata(l, lua_upvalueindex(1)).cast::<Queue>();
        lua_pushcfunction(l, with_traceback);
        lua_insert(l, HANDLER);
        if (*queue).owner.is_null() {
            (*queue).owner = l;
        } else if !ptr::eq((*queue).owner, l) {
            return wait(l, vm, queue);
        }
        run(l, queue)
    }
}

/// Waits for the section to be handed over.
unsafe fn wait(l: *mut lua_State, vm: *mut Vm, queue: *mut Queue) -> c_int {
    // SAFETY: rules 1 and 2.
    unsafe {
        require_yieldable(l, vm);
        let session = (*vm).new_session();
        let task = (*vm).running;
        if !task.is_null() {
            (*queue).waiting.push_back((l, session));
            (*vm).waiters.insert(session, Waiter::Sleep { task, timed: false });
        }
        block(l, vm, session, 0, handed_over)
    }
}

unsafe extern "C-unwind" fn handed_over(
    l: *mut lua_State,
    _status: c_int,
    _context: lua_KContext,
) -> c_int {
    // SAFETY: Lua calls this when the owner before has left.
    unsafe { run(l, lua_touserdata(l, lua_upvalueindex(1)).cast()) }
}

/// Adds a traceback to a text; other error values pass as they are.
unsafe extern "C-unwind" fn with_traceback(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this with the error value.
    unsafe { if lua_type(l, 1) == LUA_TSTRING { traceback(l) } else { 1 } }
}

/// Calls the function inside of the section; the stack is handler, function, arguments.
unsafe fn run(l: *mut lua_State, queue: *mut Queue) -> c_int {
    // SAFETY: rules 1 and 2.
    unsafe {
        (*queue).depth += 1;
        let args = lua_gettop(l) - HANDLER - 1;
        let status = lua_pcallk(l, args, LUA_MULTRET, HANDLER, 0, Some(left));
        left(l, status, 0)
    }
}

/// The function has returned or raised: the section is left, the outcome goes on.
unsafe extern "C-unwind" fn left(
    l: *mut lua_State,
    status: c_int,
    _context: lua_KContext,
) -> c_int {
    // SAFETY: rules 1 and 2.
    unsafe {
        leave(vm_of(l), lua_touserdata(l, lua_upvalueindex(1)).cast());
        if status != LUA_OK && status != LUA_YIELD {
            lua_error(l);
        }
        lua_gettop(l) - HANDLER
    }
}

/// Leaves a section once, and hands it over at the last time.
unsafe fn leave(vm: *mut Vm, queue: *mut Queue) {
    // SAFETY: rule 1.
    unsafe {
        (*queue).depth -= 1;
        if (*queue).depth == 0 {
            hand_over(vm, queue);
        }
    }
}

unsafe fn hand_over(vm: *mut Vm, queue: *mut Queue) {
    // SAFETY: rule 1.
    unsafe {
        (*queue).owner = ptr::null_mut();
        while let Some((next, session)) = (*queue).waiting.pop_front() {
            // Nobody sleeps on the session of a coroutine that was killed.
            if (*vm).waiters.contains_key(&session) {
                (*queue).owner = next;
                (*vm).wakeups.push_back(session);
                return;
            }
        }
    }
}

/// A coroutine was killed: it leaves the sections it is in.
///
/// # Safety
/// Rule 1.
pub(super) unsafe fn leave_all(vm: *mut Vm, thread: *mut lua_State) {
    // SAFETY: as the caller's; queues unregister themselves when they are collected.
    unsafe {
        for at in 0..(*vm).queues.len() {
            let queues = &(*vm).queues;
            let Some(queue) = queues.get(at).copied() else { return };
            if ptr::eq((*queue).owner, thread) {
                (*queue).depth = 0;
                hand_over(vm, queue);
            }
        }
    }
}
