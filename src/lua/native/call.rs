//! Requests: `call`, `rawcall`, `tracecall`. Lua API 4.2 and 4.3.
//!
//! A call is one native function: it packs, posts, notes who waits and yields. When the answer
//! comes, its continuation unpacks straight onto the caller's stack.

use std::ffi::c_int;

use mlua::ffi::{
    self, LUA_MULTRET, lua_Integer, lua_KContext, lua_State, lua_call, lua_getfield, lua_gettop,
    lua_pop, lua_pushfstring, lua_pushinteger, lua_pushlightuserdata, lua_remove, lua_settop,
    lua_tolstring, luaL_checkinteger, luaL_optinteger,
};

use super::protocol::{UNPACK, is_native, is_plain_lua, number_of, pack_with, push_named};
use super::{block, protocol};
use crate::lua::calls::{self, Limit};
use crate::lua::dispatch::unpack_current;
use crate::lua::error::{raise, raise_top};
use crate::lua::send::{Destination, destination, payload, post};
use crate::lua::seri;
use crate::lua::trace;
use crate::lua::vm::{Answer, Current, Vm, Waiter, vm_of};
use crate::message::{Address, Kind, Session};

/// `call(addr, typename, ...)`.
pub(super) unsafe extern "C-unwind" fn call(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe { call_within(l, Limit::Usual) }
}

/// `call_timeout(ti, addr, typename, ...)`: raises when there is no answer within `ti` hundredths
/// of a second; 0 and less stand for no limit.
pub(super) unsafe extern "C-unwind" fn call_timeout(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        let limit = luaL_checkinteger(l, 1);
        lua_remove(l, 1);
        call_within(l, Limit::Centis(limit))
    }
}

/// `call_limit([ti])`: sets the time limit of all calls of this service that have none of their
/// own, 0 for none. Returns what it was.
pub(super) unsafe extern "C-unwind" fn call_limit(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        let vm = vm_of(l);
        let before = (*vm).calls.limit;
        (*vm).calls.limit = luaL_optinteger(l, 1, before).max(0);
        lua_pushinteger(l, before);
        1
    }
}

unsafe fn call_within(l: *mut lua_State, limit: Limit) -> c_int {
    // SAFETY: rules 1 and 2; the block is given away before anything can raise.
    unsafe {
        let vm = vm_of(l);
        if is_plain_lua(l, vm, 2) {
            let to = destination(l, 1);
            let packed = seri::pack(l, 3);
            let parts = (packed.ptr, packed.len);
            return request(l, vm, (to, Kind::LUA, limit), parts, true);
        }
        push_named(l, vm, 2);
        let kind = number_of(l);
        let plain = has_native_unpack(l);
        let to = destination(l, 1);
        if !plain {
            // The continuation finds the protocol at 3, the arguments behind it.
            ffi::lua_insert(l, 3);
            ffi::lua_pushvalue(l, 3);
        }
        let parts = pack_with(l, if plain { 3 } else { 4 });
        request(l, vm, (to, kind, limit), parts, plain)
    }
}

/// Posts a request and waits. A plain answer is unpacked natively, others by the protocol at 3.
unsafe fn request(
    l: *mut lua_State,
    vm: *mut Vm,
    (to, kind, limit): (Destination, Kind, Limit),
    parts: (*mut u8, usize),
    plain: bool,
) -> c_int {
    // SAFETY: rules 1 and 2: the block is given away at once.
    unsafe {
        if (*vm).trace.enabled {
            trace::begin_call(vm, l, to);
        }
        let session = (*vm).new_session();
        let head = ((*vm).context.address(), kind, Session::new(session));
        if post(vm, to, head, parts).is_err() {
            raise_invalid_address(l, to);
        }
        wait_for_answer(vm, session, to, (kind, limit));
        if plain {
            // Only the destination stays, for the error text of a call that fails.
            lua_settop(l, 1);
            return block(l, vm, session, 0, answered_plainly);
        }
        lua_settop(l, 3);
        block(l, vm, session, 0, answered)
    }
}

/// Tells whether the protocol on top of the stack unpacks natively.
unsafe fn has_native_unpack(l: *mut lua_State) -> bool {
    // SAFETY: rules 2 and 4.
    unsafe {
        lua_getfield(l, -1, c"unpack".as_ptr());
        let native = is_native(l, -1, UNPACK);
        lua_pop(l, 1);
        native
    }
}

/// Notes that the running task waits for the answer of a call.
unsafe fn wait_for_answer(vm: *mut Vm, session: i32, to: Destination, asked: (Kind, Limit)) {
    // SAFETY: rule 1; a name's bytes are still on the Lua stack.
    unsafe {
        let task = (*vm).running;
        if task.is_null() {
            return;
        }
        let callee = match to {
            Destination::Address(address) => address,
            Destination::Name(name, len) => {
                let name = std::slice::from_raw_parts(name, len);
                (*vm).named_calls.insert(session, name.into());
                Address::NOBODY
            }
        };
        (*vm).waiters.insert(session, Waiter::Call { task, callee });
        calls::begin(vm, task, session, asked);
    }
}

/// Raises for a call without an answer; its destination is at a stack index.
#[cold]
unsafe fn raise_failed(l: *mut lua_State, vm: *mut Vm, at: c_int) -> ! {
    // SAFETY: rules 1, 2 and 4.
    unsafe {
        let task = (*vm).running;
        if (*vm).answer == Answer::Explained {
            let Current { start, len, .. } = (*vm).current;
            ffi::lua_pushstring(l, c"call failed: ".as_ptr());
            ffi::lua_pushlstring(l, start.cast(), len);
            ffi::lua_concat(l, 2);
            raise_top(l);
        }
        if (*vm).answer != Answer::TimedOut || task.is_null() {
            raise(l, c"call failed");
        }
        if ffi::lua_type(l, at) == ffi::LUA_TNUMBER {
            let address = Address::new(ffi::lua_tointegerx(l, at, std::ptr::null_mut()) as u32);
            super::info::push_address(l, address);
        } else {
            ffi::lua_pushvalue(l, at);
        }
        let callee = lua_tolstring(l, -1, std::ptr::null_mut());
        calls::push_kind(l, vm, (*task).asks);
        let kind = lua_tolstring(l, -1, std::ptr::null_mut());
        let seconds = (calls::age_of(vm, task) / 10_000_000) as f64 / 100.0;
        let format = c"call to %s timed out: no answer of type %s for %f s";
        lua_pushfstring(l, format.as_ptr(), callee, kind, seconds);
        raise_top(l)
    }
}

#[cold]
unsafe fn raise_invalid_address(l: *mut lua_State, to: Destination) -> ! {
    // SAFETY: rule 2.
    unsafe {
        let format = c"call to invalid address %s".as_ptr();
        match to {
            Destination::Address(address) => {
                super::info::push_address(l, address);
                let text = lua_tolstring(l, -1, std::ptr::null_mut());
                lua_pushfstring(l, format, text);
            }
            Destination::Name(..) => {
                lua_pushfstring(l, format, lua_tolstring(l, 1, std::ptr::null_mut()));
            }
        }
        raise_top(l)
    }
}

/// Goes on with a call whose answer is packed natively.
unsafe extern "C-unwind" fn answered_plainly(
    l: *mut lua_State,
    _status: c_int,
    _context: lua_KContext,
) -> c_int {
    // SAFETY: Lua calls this when the dispatcher resumed the task; nothing is owned.
    unsafe {
        let vm = vm_of(l);
        if (*vm).answer != Answer::Message {
            raise_failed(l, vm, 1);
        }
        trace::resumed(vm, l);
        unpack_current(vm, l)
    }
}

/// Goes on with a call of a protocol with its own unpack function; the protocol is at 3.
unsafe extern "C-unwind" fn answered(
    l: *mut lua_State,
    _status: c_int,
    _context: lua_KContext,
) -> c_int {
    // SAFETY: as `answered_plainly`.
    unsafe {
        let vm = vm_of(l);
        if (*vm).answer != Answer::Message {
            raise_failed(l, vm, 1);
        }
        trace::resumed(vm, l);
        lua_getfield(l, 3, c"unpack".as_ptr());
        push_answer(l, vm);
        lua_call(l, 2, LUA_MULTRET);
        lua_gettop(l) - 3
    }
}

/// Pushes pointer and size of the current message.
unsafe fn push_answer(l: *mut lua_State, vm: *mut Vm) {
    // SAFETY: rules 1 and 4.
    unsafe {
        lua_pushlightuserdata(l, (*vm).current.start.cast());
        lua_pushinteger(l, (*vm).current.len as lua_Integer);
    }
}

/// `rawcall(addr, typename, msg [, sz])`.
pub(super) unsafe extern "C-unwind" fn rawcall(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the block is given away before anything can raise.
    unsafe {
        let vm = vm_of(l);
        push_named(l, vm, 2);
        let kind = number_of(l);
        let to = destination(l, 1);
        let parts = payload(l, 3);
        if (*vm).trace.enabled {
            trace::begin_call(vm, l, to);
        }
        raw_request(l, vm, (to, kind, 1), parts, answered_raw)
    }
}

/// `tracecall(tag, addr, typename, msg [, sz])`.
pub(super) unsafe extern "C-unwind" fn tracecall(l: *mut lua_State) -> c_int {
    // SAFETY: as `rawcall`.
    unsafe {
        let vm = vm_of(l);
        trace::announce_to(vm, l, destination(l, 2));
        protocol::push_named(l, vm, 3);
        let kind = number_of(l);
        let to = destination(l, 2);
        let parts = payload(l, 4);
        raw_request(l, vm, (to, kind, 2), parts, answered_traced)
    }
}

/// Posts a request of a payload; the destination is at stack index `at`.
unsafe fn raw_request(
    l: *mut lua_State,
    vm: *mut Vm,
    (to, kind, at): (Destination, Kind, c_int),
    parts: (*mut u8, usize),
    done: unsafe extern "C-unwind" fn(*mut lua_State, c_int, lua_KContext) -> c_int,
) -> c_int {
    // SAFETY: rules 1 and 2; the block is given away at once.
    unsafe {
        let session = (*vm).new_session();
        let head = ((*vm).context.address(), kind, Session::new(session));
        if post(vm, to, head, parts).is_err() {
            raise(l, c"call to invalid address");
        }
        wait_for_answer(vm, session, to, (kind, Limit::Usual));
        lua_settop(l, at);
        block(l, vm, session, 0, done)
    }
}

/// Goes on with a raw call: returns the answer's pointer and size.
unsafe extern "C-unwind" fn answered_raw(
    l: *mut lua_State,
    _status: c_int,
    _context: lua_KContext,
) -> c_int {
    // SAFETY: as `answered_plainly`.
    unsafe {
        let vm = vm_of(l);
        if (*vm).answer != Answer::Message {
            // The destination is what was kept last.
            raise_failed(l, vm, lua_gettop(l));
        }
        trace::resumed(vm, l);
        push_answer(l, vm);
        2
    }
}

/// Goes on with `tracecall`, whose tag is at 1.
unsafe extern "C-unwind" fn answered_traced(
    l: *mut lua_State,
    status: c_int,
    context: lua_KContext,
) -> c_int {
    // SAFETY: as `answered_plainly`.
    unsafe {
        trace::end_of_call(vm_of(l), l);
        answered_raw(l, status, context)
    }
}
