//! The native part of the module `skynet` (`require "skynet.native"`), one file a subject.
//!
//! Every function here is a light C function: it costs a service a slot in a table and nothing
//! else. `lualib/skynet.lua` adds what is rarely used.

mod call;
mod exit;
mod fork;
pub(super) mod info;
mod internal;
pub(super) mod protocol;
pub(super) mod queue;
pub(super) mod reply;
pub(super) mod require;
pub(super) mod send;
mod sleep;
mod start;
pub(super) mod trace;

use std::ffi::{CStr, c_int};
use std::ptr;

use mlua::ffi::{
    LUA_TSTRING, lua_CFunction, lua_State, lua_call, lua_createtable, lua_getfield, lua_getglobal,
    lua_isyieldable, lua_pushcfunction, lua_pushinteger, lua_pushnil, lua_pushstring,
    lua_pushvalue, lua_rawgeti, lua_rawset, lua_setfield, lua_setmetatable, lua_settop,
    lua_tolstring, lua_type, lua_yieldk,
};

use super::seri;
use super::vm::{Suspension, Vm, vm_of};

type Function = (&'static CStr, lua_CFunction);

/// The functions of `skynet.native`.
const FUNCTIONS: &[Function] = &[
    (c"send", send::send),
    (c"rawsend", send::rawsend),
    (c"redirect", send::redirect),
    (c"genid", send::genid),
    (c"call", call::call),
    (c"call_timeout", call::call_timeout),
    (c"call_limit", call::call_limit),
    (c"rawcall", call::rawcall),
    (c"tracecall", call::tracecall),
    (c"ret", reply::ret),
    (c"retpack", reply::retpack),
    (c"response", reply::response),
    (c"ignoreret", reply::ignoreret),
    (c"context", reply::context),
    (c"fork", fork::fork),
    (c"timeout", fork::timeout),
    (c"killthread", fork::killthread),
    (c"sleep", sleep::sleep),
    (c"yield", sleep::yield_now),
    (c"wait", sleep::wait),
    (c"wakeup", sleep::wakeup),
    (c"register_protocol", protocol::register_protocol),
    (c"dispatch", protocol::dispatch),
    (c"dispatch_unknown_request", protocol::dispatch_unknown_request),
    (c"dispatch_unknown_response", protocol::dispatch_unknown_response),
    (c"dispatch_message", protocol::dispatch_message),
    (c"traceproto", protocol::traceproto),
    (c"queue", queue::queue),
    (c"init", require::init),
    (c"start", start::start),
    (c"init_service", start::init_service),
    (c"forward_type", start::forward_type),
    (c"filter", start::filter),
    (c"exit", exit::exit),
    (c"term", exit::term),
    (c"self", info::own_address),
    (c"localname", info::localname),
    (c"address", info::address),
    (c"harbor", info::harbor),
    (c"getenv", info::getenv),
    (c"setenv", info::setenv),
    (c"now", info::now),
    (c"hpc", info::hpc),
    (c"time", info::time),
    (c"starttime", info::starttime),
    (c"stat", info::stat),
    (c"mqlen", info::mqlen),
    (c"endless", info::endless),
    (c"error", info::error),
    (c"task", info::task),
    (c"trace", trace::trace),
    (c"tracetag", trace::tracetag),
    (c"tracelog", trace::tracelog),
    (c"trace_timeout", trace::trace_timeout),
    (c"pack", protocol::pack),
    (c"packstring", seri::l_packstring),
    (c"unpack", protocol::unpack),
    (c"tostring", seri::l_tostring),
    (c"trash", seri::l_trash),
];

/// The message types as Lua sees them.
const KINDS: &[(&CStr, u8)] = &[
    (c"PTYPE_TEXT", 0),
    (c"PTYPE_RESPONSE", 1),
    (c"PTYPE_MULTICAST", 2),
    (c"PTYPE_CLIENT", 3),
    (c"PTYPE_SYSTEM", 4),
    (c"PTYPE_HARBOR", 5),
    (c"PTYPE_SOCKET", 6),
    (c"PTYPE_ERROR", 7),
    (c"PTYPE_QUEUE", 8),
    (c"PTYPE_DEBUG", 9),
    (c"PTYPE_LUA", 10),
    (c"PTYPE_SNAX", 11),
    (c"PTYPE_TRACE", 12),
];

/// Opens `skynet.native`: an empty table that takes functions and constants from the lists above
/// at their first use. A service touches few of them, and each costs memory in its own state.
pub(super) unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this in a live Vm's state; nothing is owned.
    unsafe {
        lua_createtable(l, 0, 8);
        protocol::push_table(l, vm_of(l));
        lua_setfield(l, -2, c"_proto".as_ptr());
        lua_createtable(l, 0, 2);
        set_functions(l, &[(c"__index", first_use), (c"__pairs", pairs)]);
        lua_setmetatable(l, -2);
        1
    }
}

/// `__index` of `skynet`: puts the field into the table and returns it. What is not native comes
/// from the Lua module `skynet.lazy.api`.
unsafe extern "C-unwind" fn first_use(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this with the table and a key; nothing is owned.
    unsafe {
        if lua_type(l, 2) != LUA_TSTRING {
            return 0;
        }
        let name = CStr::from_ptr(lua_tolstring(l, 2, ptr::null_mut()));
        lua_settop(l, 2);
        if !push_native(l, name) {
            lua_getglobal(l, c"require".as_ptr());
            lua_pushstring(l, c"skynet.lazy.api".as_ptr());
            lua_call(l, 1, 1);
            lua_getfield(l, -1, name.as_ptr());
        }
        lua_pushvalue(l, 2);
        lua_pushvalue(l, -2);
        lua_rawset(l, 1);
        1
    }
}

/// Pushes a native function or constant by name.
unsafe fn push_native(l: *mut lua_State, name: &CStr) -> bool {
    // SAFETY: rule 4.
    unsafe {
        if let Some((_, function)) = FUNCTIONS.iter().find(|(known, _)| *known == name) {
            lua_pushcfunction(l, *function);
        } else if let Some((_, number)) = KINDS.iter().find(|(known, _)| *known == name) {
            lua_pushinteger(l, (*number).into());
        } else if name == c"cache" {
            super::codecache::open(l);
        } else {
            return false;
        }
        true
    }
}

/// `__pairs` of `skynet`: fills the table first, so that a loop sees every native field.
unsafe extern "C-unwind" fn pairs(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this with the table; nothing is owned.
    unsafe {
        let names = FUNCTIONS.iter().map(|(name, _)| *name);
        for name in names.chain(KINDS.iter().map(|(name, _)| *name)) {
            lua_getfield(l, 1, name.as_ptr());
            lua_settop(l, 1);
        }
        lua_getglobal(l, c"next".as_ptr());
        lua_pushvalue(l, 1);
        lua_pushnil(l);
        3
    }
}

/// Opens `skynet.native.internal`.
pub(super) use internal::open as open_internal;
pub(super) use protocol::create_table as create_protocols;

/// Puts functions into the table on top of the stack.
///
/// # Safety
/// `l` runs, with a table on top.
pub(super) unsafe fn set_functions(l: *mut lua_State, functions: &[Function]) {
    // SAFETY: as the caller's.
    unsafe {
        for (name, function) in functions {
            lua_pushcfunction(l, *function);
            lua_setfield(l, -2, name.as_ptr());
        }
    }
}

/// Raises an error where the running task cannot yield: below a C function that knows nothing of
/// yields, or in a finalizer. What would wait there would go on in a wrong place.
///
/// # Safety
/// Rules 1 and 2.
pub(super) unsafe fn require_yieldable(l: *mut lua_State, vm: *mut Vm) {
    // SAFETY: as the caller's.
    unsafe {
        if lua_isyieldable(l) == 0 && !(*vm).running.is_null() {
            // Raises.
            lua_yieldk(l, 0, 0, None);
        }
    }
}

/// Lets the running task wait for `session`; `done` goes on when it is resumed. Does not return:
/// where no yield is possible it raises an error, and nobody waits.
///
/// # Safety
/// Rules 1 and 2. If a task runs, its waiter is in the table.
pub(super) unsafe fn block(
    l: *mut lua_State,
    vm: *mut Vm,
    session: i32,
    context: isize,
    done: unsafe extern "C-unwind" fn(*mut lua_State, c_int, isize) -> c_int,
) -> c_int {
    // SAFETY: as the caller's.
    unsafe {
        let task = (*vm).running;
        if !task.is_null() {
            // It waits already when a plain coroutine took the yield: nobody goes on there.
            Vm::stop_waiting(vm, task);
            (*task).waits = session;
            if lua_isyieldable(l) == 0 {
                Vm::stop_waiting(vm, task);
                return lua_yieldk(l, 0, 0, None);
            }
        }
        (*vm).suspension = Suspension::Blocked;
        lua_yieldk(l, 0, context, Some(done))
    }
}

/// Pushes a registry value.
unsafe fn push_ref(l: *mut lua_State, reference: c_int) -> c_int {
    // SAFETY: rule 4.
    unsafe { lua_rawgeti(l, mlua::ffi::LUA_REGISTRYINDEX, reference.into()) }
}
