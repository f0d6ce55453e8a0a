//! Waiting for time or for another coroutine: `sleep`, `yield`, `wait`, `wakeup`. Lua API 4.5.
//!
//! A token is any value. A task that sleeps on itself (the usual case) needs no table entry: the
//! token is the coroutine, whose record says that it sleeps.

use std::ffi::c_int;
use std::ptr;

use mlua::ffi::{
    self, LUA_TNIL, lua_KContext, lua_State, lua_isnoneornil, lua_isnumber, lua_pop,
    lua_pushboolean, lua_pushinteger, lua_pushnil, lua_pushstring, lua_pushthread, lua_pushvalue,
    lua_rawget, lua_rawset, lua_settop, lua_tointegerx, lua_tothread, luaL_checkinteger,
    luaL_checklstring,
};

use super::{block, push_ref, require_yieldable};
use crate::lua::error::raise;
use crate::lua::trace;
use crate::lua::vm::{Answer, Vm, Waiter, task_of, vm_of};
use crate::message::Session;

/// The continuation's context when the token is in the table.
const IN_TABLE: isize = 1;

/// Reads a time in hundredths of a second.
///
/// # Safety
/// `l` runs.
pub(super) unsafe fn ticks(l: *mut lua_State, index: c_int) -> i64 {
    // SAFETY: plain API calls; nothing is owned.
    unsafe {
        if lua_isnumber(l, index) != 0 {
            return luaL_checkinteger(l, index);
        }
        // Other strings count as 0, as C's number parsing has it; the rest raises.
        luaL_checklstring(l, index, ptr::null_mut());
        0
    }
}

/// `sleep(ti [, token])`.
pub(super) unsafe extern "C-unwind" fn sleep(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        let centis = ticks(l, 1);
        lua_settop(l, 2);
        suspend(l, Some(centis))
    }
}

/// `yield()`: lets everything that waits already go first.
pub(super) unsafe extern "C-unwind" fn yield_now(l: *mut lua_State) -> c_int {
    // SAFETY: as `sleep`.
    unsafe {
        lua_settop(l, 0);
        lua_settop(l, 2);
        suspend(l, Some(0))
    }
}

/// `wait([token])`.
pub(super) unsafe extern "C-unwind" fn wait(l: *mut lua_State) -> c_int {
    // SAFETY: as `sleep`.
    unsafe {
        lua_settop(l, 1);
        lua_pushnil(l);
        ffi::lua_insert(l, 1);
        suspend(l, None)
    }
}

/// Suspends the running task on the token at 2 (nil: the running coroutine), with a timer or
/// without.
unsafe fn suspend(l: *mut lua_State, centis: Option<i64>) -> c_int {
    // SAFETY: rules 1 and 2.
    unsafe {
        let vm = vm_of(l);
        require_yieldable(l, vm);
        let session = (*vm).new_session();
        let task = (*vm).running;
        let mut context = 0;
        if !task.is_null() {
            if is_own_token(l, vm) {
                (*task).sleeps_on_itself = true;
            } else {
                enter_token(l, vm, session);
                context = IN_TABLE;
            }
            (*vm).waiters.insert(session, Waiter::Sleep { task, timed: centis.is_some() });
        }
        if let Some(centis) = centis {
            (*vm).context.timeout_with(Session::new(session), centis);
            if (*vm).trace.enabled {
                trace::sleeping(vm, l);
            }
        }
        let done = if centis.is_some() { slept } else { waited };
        block(l, vm, session, context, done)
    }
}

/// Tells whether the token at 2 is the running task's own coroutine.
unsafe fn is_own_token(l: *mut lua_State, vm: *mut Vm) -> bool {
    // SAFETY: rules 1 and 4.
    unsafe {
        let own = (*(*vm).running).thread;
        match lua_isnoneornil(l, 2) {
            0 => ptr::eq(lua_tothread(l, 2), own),
            // Inside of a nested coroutine the default token is that one.
            _ => ptr::eq(l, own),
        }
    }
}

/// Puts the token at 2 into the table of sleepers. Raises when somebody sleeps on it.
unsafe fn enter_token(l: *mut lua_State, vm: *mut Vm, session: i32) {
    // SAFETY: rules 1, 2 and 4.
    unsafe {
        if lua_isnoneornil(l, 2) != 0 {
            lua_pushthread(l);
            ffi::lua_replace(l, 2);
        }
        let thread = lua_tothread(l, 2);
        let sleeper = if thread.is_null() { ptr::null_mut() } else { task_of(thread) };
        push_ref(l, (*vm).refs.sleeping);
        lua_pushvalue(l, 2);
        if lua_rawget(l, -2) != LUA_TNIL || (!sleeper.is_null() && (*sleeper).sleeps_on_itself) {
            raise(l, c"token duplicative");
        }
        lua_pop(l, 1);
        lua_pushvalue(l, 2);
        lua_pushinteger(l, session.into());
        lua_rawset(l, -3);
        lua_pop(l, 1);
    }
}

/// Forgets the token of the task that goes on.
unsafe fn leave_token(l: *mut lua_State, vm: *mut Vm, context: lua_KContext) {
    // SAFETY: rules 1 and 4; setting an existing key to nil cannot raise.
    unsafe {
        if context != IN_TABLE {
            if let Some(task) = (*vm).running.as_mut() {
                task.sleeps_on_itself = false;
            }
            return;
        }
        push_ref(l, (*vm).refs.sleeping);
        lua_pushvalue(l, 2);
        lua_pushnil(l);
        lua_rawset(l, -3);
        lua_pop(l, 1);
    }
}

/// Goes on after a sleep: nothing, or "BREAK" when it was woken early.
unsafe extern "C-unwind" fn slept(
    l: *mut lua_State,
    _status: c_int,
    context: lua_KContext,
) -> c_int {
    // SAFETY: Lua calls this when the dispatcher resumed the task.
    unsafe {
        let vm = vm_of(l);
        leave_token(l, vm, context);
        trace::resumed(vm, l);
        if (*vm).answer != Answer::Break {
            return 0;
        }
        lua_pushstring(l, c"BREAK".as_ptr());
        1
    }
}

/// Goes on after a wait.
unsafe extern "C-unwind" fn waited(
    l: *mut lua_State,
    _status: c_int,
    context: lua_KContext,
) -> c_int {
    // SAFETY: as `slept`.
    unsafe {
        let vm = vm_of(l);
        leave_token(l, vm, context);
        trace::resumed(vm, l);
        0
    }
}

/// `wakeup(token)`.
pub(super) unsafe extern "C-unwind" fn wakeup(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        let vm = vm_of(l);
        let session = sleeper_on_token(l, vm);
        if session == 0 {
            return 0;
        }
        (*vm).wakeups.push_back(session);
        lua_pushboolean(l, 1);
        1
    }
}

/// Returns the session of whoever sleeps on the token at 1, 0 if nobody does.
unsafe fn sleeper_on_token(l: *mut lua_State, vm: *mut Vm) -> i32 {
    // SAFETY: rules 1 and 4.
    unsafe {
        let thread = lua_tothread(l, 1);
        if !thread.is_null() {
            let task = task_of(thread);
            if !task.is_null() && (*task).sleeps_on_itself {
                return (*task).waits;
            }
        }
        lua_settop(l, 1);
        if ffi::lua_isnil(l, 1) != 0 {
            return 0;
        }
        push_ref(l, (*vm).refs.sleeping);
        lua_pushvalue(l, 1);
        lua_rawget(l, -2);
        lua_tointegerx(l, -1, ptr::null_mut()) as i32
    }
}
