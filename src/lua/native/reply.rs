//! Answers: `ret`, `retpack`, `response`, `ignoreret`, `context`. Lua API 4.4.

use std::ffi::{CStr, c_int};
use std::ptr;

use mlua::ffi::{
    self, LUA_TLIGHTUSERDATA, LUA_TNIL, LUA_TNONE, lua_State, lua_isnil, lua_pushcclosure,
    lua_pushcfunction, lua_pushinteger, lua_pushnil, lua_pushvalue, lua_replace, lua_settop,
    lua_tointegerx, lua_tolstring, lua_touserdata, lua_type, lua_upvalueindex,
};

use super::protocol::{PACK, result};
use crate::lua::error::raise;
use crate::lua::send::{Destination, check_payload, payload, post, post_error};
use crate::lua::seri;
use crate::lua::trace;
use crate::lua::vm::{Reply, Vm, vm_of};
use crate::message::{Address, Kind, Session};
use crate::node::SendError;

/// Takes what the running task owes. Raises `text` when it owes nothing.
unsafe fn take_owed(l: *mut lua_State, vm: *mut Vm, text: &CStr) -> (Session, Address) {
    // SAFETY: rules 1 and 2.
    unsafe {
        let task = (*vm).running;
        if task.is_null() {
            raise(l, text);
        }
        match (*task).owes.take() {
            Some(session) => (session, (*task).source),
            None => raise(l, text),
        }
    }
}

/// `ret([msg [, sz]])`.
pub(super) unsafe extern "C-unwind" fn ret(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the block is given away at once.
    unsafe {
        let vm = vm_of(l);
        if (*vm).trace.enabled {
            trace::response(vm);
        }
        if lua_type(l, 1) > LUA_TNIL {
            check_payload(l, 1);
        }
        let owed = take_owed(l, vm, c"No session");
        if owed.0 == Session::NONE {
            if lua_type(l, 1) == LUA_TLIGHTUSERDATA {
                libc::free(lua_touserdata(l, 1));
            }
            return result(l, false);
        }
        let parts = match lua_type(l, 1) {
            LUA_TNONE | LUA_TNIL => (ptr::null_mut(), 0),
            _ => payload(l, 1),
        };
        answer(l, vm, owed, parts)
    }
}

/// `retpack(...)`.
pub(super) unsafe extern "C-unwind" fn retpack(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the block is given away at once.
    unsafe {
        let vm = vm_of(l);
        if (*vm).trace.enabled {
            trace::response(vm);
        }
        let packed = seri::pack(l, 1);
        let task = (*vm).running;
        let owed = if task.is_null() { None } else { (*task).owes.take() };
        match owed {
            Some(session) if session != Session::NONE => {
                answer(l, vm, (session, (*task).source), (packed.ptr, packed.len))
            }
            owed => {
                libc::free(packed.ptr.cast());
                match owed {
                    Some(_) => result(l, false),
                    None => raise(l, c"No session"),
                }
            }
        }
    }
}

/// Sends an answer and pushes whether somebody got it.
unsafe fn answer(
    l: *mut lua_State,
    vm: *mut Vm,
    owed: (Session, Address),
    parts: (*mut u8, usize),
) -> c_int {
    // SAFETY: rules 1 and 2.
    unsafe { result(l, send_answer(vm, owed, parts).is_ok()) }
}

unsafe fn send_answer(
    vm: *mut Vm,
    (session, to): (Session, Address),
    parts: (*mut u8, usize),
) -> Result<(), SendError> {
    // SAFETY: rule 1.
    unsafe {
        let head = ((*vm).context.address(), Kind::RESPONSE, session);
        let sent = post(vm, Destination::Address(to), head, parts);
        if sent == Err(SendError::TooLarge) {
            post_error(vm, to, session);
        }
        sent
    }
}

/// `ignoreret()`.
pub(super) unsafe extern "C-unwind" fn ignoreret(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this in a live Vm.
    unsafe {
        let task = (*vm_of(l)).running;
        if !task.is_null() {
            (*task).owes = None;
        }
        0
    }
}

/// `context()`: session and source of the request that the running task handles.
pub(super) unsafe extern "C-unwind" fn context(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this in a live Vm.
    unsafe {
        let task = (*vm_of(l)).running;
        match task.as_ref().and_then(|task| task.owes) {
            Some(session) => lua_pushinteger(l, session.number().into()),
            None => lua_pushnil(l),
        }
        match task.as_ref().map(|task| task.source) {
            Some(source) if source != Address::NOBODY || (*task).owes.is_some() => {
                lua_pushinteger(l, source.bits().into());
            }
            _ => lua_pushnil(l),
        }
        2
    }
}

/// `response([packer])`: a closure that answers later.
pub(super) unsafe extern "C-unwind" fn response(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the closure's upvalues are the packer and the reply's key.
    unsafe {
        let vm = vm_of(l);
        lua_settop(l, 1);
        if lua_isnil(l, 1) != 0 {
            lua_pushcfunction(l, PACK);
            lua_replace(l, 1);
        }
        let (session, source) = take_owed(l, vm, c"no session");
        if session == Session::NONE {
            lua_pushcfunction(l, no_answer_owed);
            return 1;
        }
        let key = (*vm).next_reply;
        (*vm).next_reply += 1;
        lua_pushinteger(l, key);
        (*vm).replies.insert(key, Reply { session, source });
        lua_pushcclosure(l, respond, 2);
        1
    }
}

/// What `response()` gives for a message that wants no answer.
unsafe extern "C-unwind" fn no_answer_owed(_l: *mut lua_State) -> c_int {
    0
}

/// The closure of `response`: `r(true, ...)`, `r(false)`, `r("TEST")`.
unsafe extern "C-unwind" fn respond(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this closure with its two upvalues; nothing is owned.
    unsafe {
        let vm = vm_of(l);
        let mut open = 0;
        let key = lua_tointegerx(l, lua_upvalueindex(2), &mut open);
        if is_test(l) {
            let owed = open != 0 && (*vm).replies.contains_key(&key);
            return result(l, owed);
        }
        if open == 0 {
            raise(l, c"Can't response more than once");
        }
        let succeeded = ffi::lua_toboolean(l, 1) != 0;
        if !(*vm).replies.contains_key(&key) {
            close_reply(l, vm, key);
            return result(l, false);
        }
        if !succeeded {
            let Some(reply) = close_reply(l, vm, key) else { return result(l, false) };
            return result(l, fail(vm, &reply));
        }
        // The packer may raise: then the reply stays owed.
        let parts = pack_answer(l);
        match close_reply(l, vm, key) {
            Some(reply) => {
                let sent = send_answer(vm, (reply.session, reply.source), parts);
                result(l, !matches!(sent, Err(SendError::NoService)))
            }
            None => {
                libc::free(parts.0.cast());
                result(l, false)
            }
        }
    }
}

unsafe fn is_test(l: *mut lua_State) -> bool {
    // SAFETY: rule 4; the string lives on the stack.
    unsafe {
        let text = match lua_type(l, 1) {
            ffi::LUA_TSTRING => lua_tolstring(l, 1, ptr::null_mut()),
            _ => return false,
        };
        CStr::from_ptr(text) == c"TEST"
    }
}

/// Marks the closure as used and takes what it owed.
unsafe fn close_reply(l: *mut lua_State, vm: *mut Vm, key: i64) -> Option<Reply> {
    // SAFETY: rules 1 and 4.
    unsafe {
        lua_pushnil(l);
        lua_replace(l, lua_upvalueindex(2));
        (*vm).replies.remove(&key)
    }
}

/// Packs the arguments behind the first with the closure's packer.
unsafe fn pack_answer(l: *mut lua_State) -> (*mut u8, usize) {
    // SAFETY: rules 2 and 4.
    unsafe {
        let values = ffi::lua_gettop(l) - 1;
        lua_pushvalue(l, lua_upvalueindex(1));
        lua_replace(l, 1);
        ffi::lua_call(l, values, 2);
        match lua_type(l, 1) {
            LUA_TNIL => (ptr::null_mut(), 0),
            _ => payload(l, 1),
        }
    }
}

unsafe fn fail(vm: *mut Vm, reply: &Reply) -> bool {
    // SAFETY: rule 1.
    unsafe {
        let head = ((*vm).context.address(), Kind::ERROR, reply.session);
        post(vm, Destination::Address(reply.source), head, (ptr::null_mut(), 0)).is_ok()
    }
}

/// Fails every answer that is still owed; the service exits.
///
/// # Safety
/// Rule 1.
pub(in crate::lua) unsafe fn fail_all(vm: *mut Vm) {
    // SAFETY: as the caller's.
    unsafe {
        for (_, reply) in std::mem::take(&mut (*vm).replies) {
            post_error(vm, reply.source, reply.session);
        }
    }
}
