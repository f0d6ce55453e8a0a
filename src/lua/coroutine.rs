//! The module `skynet.coroutine`: coroutines inside of tasks that may call blocking functions.
//! Spec: Lua API section 9.
//!
//! When a nested coroutine waits for the runtime, every coroutine between it and its task waits
//! too: `resume` sees from the task's suspension that it was no `yield` to its caller, marks the
//! coroutine as blocked, and yields on. When the task is resumed, the chain is resumed downwards.

use std::ffi::c_int;
use std::ptr;

use mlua::ffi::{
    self, LUA_OK, LUA_TFUNCTION, LUA_TTHREAD, LUA_YIELD, lua_KContext, lua_State, lua_checkstack,
    lua_createtable, lua_error, lua_getfield, lua_getglobal, lua_gettop, lua_insert, lua_newthread,
    lua_pop, lua_pushboolean, lua_pushcclosure, lua_pushstring, lua_pushthread, lua_pushvalue,
    lua_replace, lua_resume, lua_setfield, lua_settop, lua_status, lua_tothread, lua_type,
    lua_upvalueindex, lua_xmove, lua_yieldk, luaL_checktype,
};

use super::native::set_functions;
use super::profile;
use super::task::Task;
use super::vm::{BLOCKED, NESTED, Suspension, Vm, extra, set_extra, vm_of};

/// Opens the module.
pub(super) unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        lua_createtable(l, 0, 9);
        set_functions(
            l,
            &[
                (c"create", create),
                (c"resume", resume),
                (c"yield", yield_values),
                (c"wrap", wrap),
                (c"status", status),
                (c"thread", thread),
                (c"close", close),
            ],
        );
        // These two need no other behaviour than the stock ones.
        lua_getglobal(l, c"coroutine".as_ptr());
        for name in [c"running", c"isyieldable"] {
            lua_getfield(l, -1, name.as_ptr());
            lua_setfield(l, -3, name.as_ptr());
        }
        lua_pop(l, 1);
        1
    }
}

unsafe fn is_nested(co: *mut lua_State) -> bool {
    // SAFETY: as the caller's: a live thread of a live Vm.
    unsafe { extra(co) & NESTED != 0 && extra(co) & super::vm::TASK == 0 }
}

unsafe fn is_blocked(co: *mut lua_State) -> bool {
    // SAFETY: as `is_nested`.
    unsafe { is_nested(co) && extra(co) & BLOCKED != 0 }
}

/// `create(f)`.
unsafe extern "C-unwind" fn create(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        luaL_checktype(l, 1, LUA_TFUNCTION);
        let co = lua_newthread(l);
        set_extra(co, vm_of(l) as usize | NESTED);
        lua_pushvalue(l, 1);
        lua_xmove(l, co, 1);
        1
    }
}

/// `resume(co, ...)`.
unsafe extern "C-unwind" fn resume(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        luaL_checktype(l, 1, LUA_TTHREAD);
        let co = lua_tothread(l, 1);
        let refusal = if !is_nested(co) {
            Some(c"cannot resume none skynet coroutine")
        } else if is_blocked(co) {
            Some(c"cannot resume a skynet coroutine suspend by skynet framework")
        } else if lua_status(co) == LUA_OK && lua_gettop(co) == 0 {
            Some(c"cannot resume dead coroutine")
        } else {
            None
        };
        if let Some(text) = refusal {
            lua_pushboolean(l, 0);
            lua_pushstring(l, text.as_ptr());
            return 2;
        }
        let args = lua_gettop(l) - 1;
        if lua_checkstack(co, args) == 0 {
            lua_pushboolean(l, 0);
            lua_pushstring(l, c"too many arguments to resume".as_ptr());
            return 2;
        }
        lua_xmove(l, co, args);
        step(l, co, args)
    }
}

/// Resumes the coroutine at stack index 1 and hands its results on.
unsafe fn step(l: *mut lua_State, co: *mut lua_State, args: c_int) -> c_int {
    // SAFETY: rules 1 and 2.
    unsafe {
        let vm = vm_of(l);
        (*vm).suspension = Suspension::Raw;
        let outer = (*vm).trap.enter(co);
        profile::resumes(vm, l, co);
        let mut results = 0;
        let status = lua_resume(co, l, args, &mut results);
        profile::suspends(vm, l, co);
        (*vm).trap.enter(outer);
        if status == LUA_YIELD && is_for_the_runtime(vm) {
            set_extra(co, extra(co) | BLOCKED);
            return lua_yieldk(l, 0, 0, Some(unblocked));
        }
        // A yield to us is none to the dispatcher.
        (*vm).suspension = Suspension::Raw;
        if status != LUA_OK && status != LUA_YIELD {
            lua_pushboolean(l, 0);
            lua_xmove(co, l, 1);
            return 2;
        }
        if lua_checkstack(l, results + 1) == 0 {
            lua_pop(co, results);
            lua_pushboolean(l, 0);
            lua_pushstring(l, c"too many results to resume".as_ptr());
            return 2;
        }
        lua_pushboolean(l, 1);
        lua_xmove(co, l, results);
        results + 1
    }
}

unsafe fn is_for_the_runtime(vm: *mut Vm) -> bool {
    // SAFETY: rule 1.
    unsafe { matches!((*vm).suspension, Suspension::Blocked | Suspension::Quit) }
}

/// Goes on when the task was resumed: so is the nested coroutine.
unsafe extern "C-unwind" fn unblocked(
    l: *mut lua_State,
    _status: c_int,
    _context: lua_KContext,
) -> c_int {
    // SAFETY: Lua calls this; the coroutine is still at index 1.
    unsafe {
        let co = lua_tothread(l, 1);
        set_extra(co, extra(co) & !BLOCKED);
        lua_settop(l, 1);
        step(l, co, 0)
    }
}

/// `yield(...)`: to the resumer.
unsafe extern "C-unwind" fn yield_values(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        (*vm_of(l)).suspension = Suspension::Nested;
        lua_yieldk(l, lua_gettop(l), 0, None)
    }
}

/// `wrap(f)`.
unsafe extern "C-unwind" fn wrap(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        create(l);
        lua_pushcclosure(l, wrapped, 1);
        1
    }
}

/// What `wrap` returns.
unsafe extern "C-unwind" fn wrapped(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this closure with the coroutine as its upvalue.
    unsafe {
        lua_pushvalue(l, lua_upvalueindex(1));
        lua_insert(l, 1);
        let args = lua_gettop(l);
        ffi::lua_pushcfunction(l, resume);
        lua_insert(l, 1);
        ffi::lua_callk(l, args, ffi::LUA_MULTRET, 0, Some(wrapped_done));
        wrapped_done(l, LUA_OK, 0)
    }
}

unsafe extern "C-unwind" fn wrapped_done(
    l: *mut lua_State,
    _status: c_int,
    _context: lua_KContext,
) -> c_int {
    // SAFETY: the stack holds what `resume` returned: a flag and values or an error.
    unsafe {
        if ffi::lua_toboolean(l, 1) != 0 {
            return lua_gettop(l) - 1;
        }
        lua_settop(l, 2);
        lua_error(l)
    }
}

/// `status(co)`.
unsafe extern "C-unwind" fn status(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        luaL_checktype(l, 1, LUA_TTHREAD);
        if is_blocked(lua_tothread(l, 1)) {
            lua_pushstring(l, c"blocked".as_ptr());
            return 1;
        }
        call_stock(l, c"status")
    }
}

/// Calls a stock coroutine function with the arguments on the stack.
unsafe fn call_stock(l: *mut lua_State, name: &std::ffi::CStr) -> c_int {
    // SAFETY: rule 2.
    unsafe {
        let args = lua_gettop(l);
        lua_getglobal(l, c"coroutine".as_ptr());
        lua_getfield(l, -1, name.as_ptr());
        lua_replace(l, -2);
        lua_insert(l, 1);
        ffi::lua_call(l, args, ffi::LUA_MULTRET);
        lua_gettop(l)
    }
}

/// `thread([co])`: the task's coroutine and false for a nested one, else itself and true.
unsafe extern "C-unwind" fn thread(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        lua_settop(l, 1);
        if lua_type(l, 1) != LUA_TTHREAD {
            lua_pushthread(l);
            lua_replace(l, 1);
        }
        let co = lua_tothread(l, 1);
        let running = (*vm_of(l)).running;
        let nested = is_nested(co);
        if nested && !running.is_null() && !ptr::eq(co, (*running).thread) {
            Task::push(running, l);
            lua_replace(l, 1);
        }
        lua_pushboolean(l, (!nested).into());
        2
    }
}

/// `close(co)`.
unsafe extern "C-unwind" fn close(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        luaL_checktype(l, 1, LUA_TTHREAD);
        let co = lua_tothread(l, 1);
        if is_nested(co) {
            set_extra(co, vm_of(l) as usize);
        }
        call_stock(l, c"close")
    }
}
