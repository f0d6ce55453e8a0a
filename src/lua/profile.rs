//! The module `skynet.profile`: CPU time of one coroutine, and the `coroutine.resume` and
//! `coroutine.wrap` that keep it. Spec: runtime section 10.3.
//!
//! The clocks sit in a weak table by coroutine. Until the first `start` there is no table, and
//! resume and wrap do what the stock ones do.

use std::ffi::c_int;
use std::ptr;

use mlua::ffi::{
    self, LUA_OK, LUA_REGISTRYINDEX, LUA_TFUNCTION, LUA_TNIL, LUA_TSTRING, LUA_TTHREAD, LUA_YIELD,
    lua_State, lua_checkstack, lua_createtable, lua_error, lua_getglobal, lua_gettop, lua_insert,
    lua_newthread, lua_newuserdatauv, lua_pop, lua_pushboolean, lua_pushcclosure, lua_pushnil,
    lua_pushnumber, lua_pushstring, lua_pushthread, lua_pushvalue, lua_rawget, lua_rawgeti,
    lua_rawset, lua_resume, lua_setfield, lua_setmetatable, lua_status, lua_tothread,
    lua_touserdata, lua_type, lua_upvalueindex, lua_xmove, luaL_checktype, luaL_ref, luaL_where,
};

use super::error::raise_top;
use super::native::set_functions;
use super::vm::{Vm, vm_of};
use crate::sched::thread_cpu_ns;

/// The clock of one coroutine, in nanoseconds of the thread's CPU time.
struct Clock {
    total: u64,
    resumed_at: u64,
}

/// When a suspended coroutine was resumed last: no time has passed since.
const NOT_RUNNING: u64 = u64::MAX;

/// Replaces `coroutine.resume` and `coroutine.wrap`.
///
/// # Safety
/// `l` runs with the stock libraries open.
pub(super) unsafe fn install(l: *mut lua_State) {
    // SAFETY: as the caller's.
    unsafe {
        lua_getglobal(l, c"coroutine".as_ptr());
        set_functions(l, &[(c"resume", resume), (c"wrap", wrap)]);
        lua_pop(l, 1);
    }
}

/// Opens the module.
pub(super) unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        lua_createtable(l, 0, 4);
        set_functions(
            l,
            &[(c"start", start), (c"stop", stop), (c"resume", resume), (c"wrap", wrap)],
        );
        1
    }
}

/// Pushes the coroutine that `start` and `stop` are about.
unsafe fn push_coroutine(l: *mut lua_State) {
    // SAFETY: rule 4.
    unsafe {
        match lua_type(l, 1) {
            ffi::LUA_TNONE | LUA_TNIL => {
                lua_pushthread(l);
            }
            _ => {
                luaL_checktype(l, 1, LUA_TTHREAD);
                lua_pushvalue(l, 1);
            }
        }
    }
}

/// Returns the clock of the coroutine on top, null when it has none. Pops the coroutine.
unsafe fn pop_clock(l: *mut lua_State) -> *mut Clock {
    // SAFETY: rules 1 and 4; clocks are userdata of this module.
    unsafe {
        let table = (*vm_of(l)).refs.profiles;
        if table == 0 {
            lua_pop(l, 1);
            return ptr::null_mut();
        }
        lua_rawgeti(l, LUA_REGISTRYINDEX, table.into());
        lua_insert(l, -2);
        lua_rawget(l, -2);
        let clock = lua_touserdata(l, -1).cast();
        lua_pop(l, 2);
        clock
    }
}

/// Pushes the table of clocks, making it at the first time.
unsafe fn push_clocks(l: *mut lua_State) {
    // SAFETY: rules 1, 2 and 4.
    unsafe {
        let vm = vm_of(l);
        if (*vm).refs.profiles == 0 {
            lua_createtable(l, 0, 1);
            lua_createtable(l, 0, 1);
            lua_pushstring(l, c"k".as_ptr());
            lua_setfield(l, -2, c"__mode".as_ptr());
            lua_setmetatable(l, -2);
            (*vm).refs.profiles = luaL_ref(l, LUA_REGISTRYINDEX);
        }
        lua_rawgeti(l, LUA_REGISTRYINDEX, (*vm).refs.profiles.into());
    }
}

/// `start([co])`.
unsafe extern "C-unwind" fn start(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        push_coroutine(l);
        lua_pushvalue(l, -1);
        if !pop_clock(l).is_null() {
            let thread = ffi::lua_topointer(l, -1);
            ffi::lua_pushfstring(l, c"Thread %p start profile more than once".as_ptr(), thread);
            raise_top(l);
        }
        push_clocks(l);
        lua_insert(l, -2);
        let clock = lua_newuserdatauv(l, size_of::<Clock>(), 0).cast::<Clock>();
        clock.write(Clock { total: 0, resumed_at: thread_cpu_ns() });
        lua_rawset(l, -3);
        0
    }
}

/// `stop([co])`: seconds since `start`.
unsafe extern "C-unwind" fn stop(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the clock lives in its table until it is taken out.
    unsafe {
        push_coroutine(l);
        lua_pushvalue(l, -1);
        let clock = pop_clock(l);
        if clock.is_null() {
            lua_pushstring(l, c"Call profile.start() before profile.stop()".as_ptr());
            raise_top(l);
        }
        let running = thread_cpu_ns().saturating_sub((*clock).resumed_at);
        let seconds = ((*clock).total + running) as f64 / 1e9;
        push_clocks(l);
        lua_insert(l, -2);
        lua_pushnil(l);
        lua_rawset(l, -3);
        lua_pushnumber(l, seconds);
        1
    }
}

/// Resumes the coroutine `co`, which is also on top of `l` below its arguments' copy, and keeps
/// its clock. Returns the number of results, or a negative number with the error on top.
///
/// # Safety
/// Rules 1 and 2; `args` values are on top of `l`.
unsafe fn resume_with(l: *mut lua_State, co: *mut lua_State, args: c_int) -> c_int {
    // SAFETY: as the caller's; resume catches errors.
    unsafe {
        if lua_checkstack(co, args) == 0 {
            lua_pushstring(l, c"too many arguments to resume".as_ptr());
            return -1;
        }
        lua_xmove(l, co, args);
        let vm = vm_of(l);
        let outer = (*vm).trap.enter(co);
        resumes(vm, l, co);
        let mut results = 0;
        let status = lua_resume(co, l, args, &mut results);
        suspends(vm, l, co);
        (*vm).trap.enter(outer);
        if status != LUA_OK && status != LUA_YIELD {
            lua_xmove(co, l, 1);
            return -1;
        }
        if lua_checkstack(l, results + 1) == 0 {
            lua_pop(co, results);
            lua_pushstring(l, c"too many results to resume".as_ptr());
            return -1;
        }
        lua_xmove(co, l, results);
        results
    }
}

/// Starts the clock of a coroutine that is about to be resumed, if it has one.
///
/// # Safety
/// Rule 1; `l` runs or is the main thread.
pub(super) unsafe fn resumes(vm: *mut Vm, l: *mut lua_State, co: *mut lua_State) {
    // SAFETY: as the caller's.
    unsafe {
        if (*vm).refs.profiles != 0
            && let Some(clock) = clock_of(l, co).as_mut()
        {
            clock.resumed_at = thread_cpu_ns();
        }
    }
}

/// Stops the clock of a coroutine that was resumed, if it has one.
///
/// # Safety
/// As [`resumes`].
pub(super) unsafe fn suspends(vm: *mut Vm, l: *mut lua_State, co: *mut lua_State) {
    // SAFETY: as the caller's.
    unsafe {
        if (*vm).refs.profiles != 0
            && let Some(clock) = clock_of(l, co).as_mut()
        {
            clock.total += thread_cpu_ns().saturating_sub(clock.resumed_at);
            clock.resumed_at = NOT_RUNNING;
        }
    }
}

/// Returns the clock of a coroutine; it may have been started or stopped while it ran.
unsafe fn clock_of(l: *mut lua_State, co: *mut lua_State) -> *mut Clock {
    // SAFETY: rules 1 and 4.
    unsafe {
        if lua_checkstack(l, 3) == 0 || lua_checkstack(co, 1) == 0 {
            return ptr::null_mut();
        }
        lua_pushthread(co);
        lua_xmove(co, l, 1);
        pop_clock(l)
    }
}

/// `coroutine.resume(co, ...)`.
unsafe extern "C-unwind" fn resume(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        luaL_checktype(l, 1, LUA_TTHREAD);
        let co = lua_tothread(l, 1);
        let results = match refusal(co) {
            None => resume_with(l, co, lua_gettop(l) - 1),
            Some(text) => {
                lua_pushstring(l, text.as_ptr());
                -1
            }
        };
        lua_pushboolean(l, (results >= 0).into());
        let results = if results < 0 { 1 } else { results };
        lua_insert(l, -(results + 1));
        results + 1
    }
}

/// Says why a coroutine cannot be resumed at all.
unsafe fn refusal(co: *mut lua_State) -> Option<&'static std::ffi::CStr> {
    // SAFETY: plain API calls on a live thread.
    unsafe {
        let finished = lua_status(co) == LUA_OK && lua_gettop(co) == 0;
        finished.then_some(c"cannot resume dead coroutine")
    }
}

/// `coroutine.wrap(f)`.
unsafe extern "C-unwind" fn wrap(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        luaL_checktype(l, 1, LUA_TFUNCTION);
        let co = lua_newthread(l);
        lua_pushvalue(l, 1);
        lua_xmove(l, co, 1);
        lua_pushcclosure(l, wrapped, 1);
        1
    }
}

/// What `wrap` returns: resumes, and raises where `resume` reports.
unsafe extern "C-unwind" fn wrapped(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this closure with the coroutine as its upvalue.
    unsafe {
        let co = lua_tothread(l, lua_upvalueindex(1));
        let results = match refusal(co) {
            None => resume_with(l, co, lua_gettop(l)),
            Some(text) => {
                lua_pushstring(l, text.as_ptr());
                -1
            }
        };
        if results >= 0 {
            return results;
        }
        let status = lua_status(co);
        if status != LUA_OK && status != LUA_YIELD {
            // Its pending to-be-closed variables run now, and may change the error.
            ffi::lua_closethread(co, l);
            lua_xmove(co, l, 1);
        }
        if lua_type(l, -1) == LUA_TSTRING {
            luaL_where(l, 1);
            lua_insert(l, -2);
            ffi::lua_concat(l, 2);
        }
        lua_error(l)
    }
}
