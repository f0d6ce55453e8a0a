//! `skynet.native.internal`: what the Lua part of the library needs beyond the public API.

use std::ffi::c_int;

use mlua::ffi::{
    self, LUA_TFUNCTION, lua_Integer, lua_State, lua_createtable, lua_pushinteger, lua_pushstring,
    lua_pushvalue, lua_rawseti, luaL_checkinteger, luaL_checktype, luaL_optinteger, luaL_ref,
    luaL_unref,
};

use super::fork::waiting_task;
use super::set_functions;
use crate::lua::inspect;
use crate::lua::later;
use crate::lua::task::Task;
use crate::lua::vm::{Vm, Waiter, task_of, vm_of};
use crate::message::{Address, Session};

/// Opens the module.
pub(in crate::lua) unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        lua_createtable(l, 0, 8);
        set_functions(
            l,
            &[
                (c"expect", expect),
                (c"forget", forget),
                (c"tasks", tasks),
                (c"calls", inspect::calls),
                (c"survey", inspect::survey),
                (c"go_on", inspect::go_on),
                (c"init_thread", init_thread),
            ],
        );
        1
    }
}

/// `expect(session, f [, callee])`: f(ok, msg, sz) runs in a coroutine when the answer or an
/// error comes. With the callee's address the end of that service counts as an error.
unsafe extern "C-unwind" fn expect(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        let vm = vm_of(l);
        let session = luaL_checkinteger(l, 1) as i32;
        luaL_checktype(l, 2, LUA_TFUNCTION);
        let callee = luaL_optinteger(l, 3, 0) as u32;
        lua_pushvalue(l, 2);
        let function = luaL_ref(l, ffi::LUA_REGISTRYINDEX);
        (*vm).waiters.insert(session, Waiter::Expect { function });
        if callee != 0 {
            (*vm).expected_from.insert(session, Address::new(callee));
        }
        0
    }
}

/// `forget(session)`: a late answer is dropped.
unsafe extern "C-unwind" fn forget(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        let vm = vm_of(l);
        let session = luaL_checkinteger(l, 1) as i32;
        let callee = (*vm).expected_from.remove(&session);
        let context = &(*vm).context;
        // Without an address it went to a name, perhaps a global one.
        if callee.is_none_or(|callee| context.node().is_remote(callee)) {
            context.give_up(Session::new(session));
        }
        if let Some(Waiter::Expect { function }) = (*vm).waiters.get(&session).copied() {
            luaL_unref(l, ffi::LUA_REGISTRYINDEX, function);
            (*vm).waiters.insert(session, Waiter::Ignored);
        }
        0
    }
}

/// `tasks()`: an array of {thread, session}; abandoned sessions are {"BREAK", session}.
unsafe extern "C-unwind" fn tasks(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the sessions are kept in the Vm.
    unsafe {
        let vm = vm_of(l);
        later::materialise(vm, l);
        (*vm).scratch_sessions.clear();
        let seen = (*vm).waiters.iter().filter(|(_, waiter)| !matches!(waiter, Waiter::CallCheck));
        (*vm).scratch_sessions.extend(seen.map(|(session, _)| *session));
        let count = (*vm).scratch_sessions.len();
        lua_createtable(l, count as c_int, 0);
        for at in 0..count {
            let session = Vm::found_session(vm, at);
            lua_createtable(l, 2, 0);
            match (*vm).waiters.get(&session).and_then(waiting_task) {
                Some(task) => Task::push(task, l),
                None => {
                    lua_pushstring(l, c"BREAK".as_ptr());
                }
            }
            lua_rawseti(l, -2, 1);
            lua_pushinteger(l, session.into());
            lua_rawseti(l, -2, 2);
            lua_rawseti(l, -2, at as lua_Integer + 1);
        }
        1
    }
}

/// `init_thread([co])`: gets or sets the coroutine that `task("init")` shows.
unsafe extern "C-unwind" fn init_thread(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        let vm = vm_of(l);
        let thread = ffi::lua_tothread(l, 1);
        if !thread.is_null() {
            (*vm).starter = task_of(thread);
        }
        if (*vm).starter.is_null() {
            return 0;
        }
        Task::push((*vm).starter, l);
        1
    }
}
