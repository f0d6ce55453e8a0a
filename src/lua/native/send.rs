//! One-way messages: `send`, `rawsend`, `redirect`, `genid`. Lua API 4.2.

use std::ffi::c_int;

use mlua::ffi::{lua_State, lua_isnoneornil, lua_pushboolean, lua_pushinteger, luaL_checkinteger};

use super::protocol::{is_plain_lua, number_of, pack_with, push_named};
use crate::lua::send::{destination, payload, post};
use crate::lua::seri;
use crate::lua::vm::vm_of;
use crate::message::{Address, Kind, Session};
use crate::node::SendError;

/// `send(addr, typename, ...)`.
pub(super) unsafe extern "C-unwind" fn send(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the block is given away at once.
    unsafe {
        let vm = vm_of(l);
        if is_plain_lua(l, vm, 2) {
            let to = destination(l, 1);
            let packed = seri::pack(l, 3);
            let head = ((*vm).context.address(), Kind::LUA, Session::NONE);
            return sent(l, post(vm, to, head, (packed.ptr, packed.len)), 0);
        }
        push_named(l, vm, 2);
        let kind = number_of(l);
        let to = destination(l, 1);
        let block = pack_with(l, 3);
        let source = (*vm).context.address();
        sent(l, post(vm, to, (source, kind, Session::NONE), block), 0)
    }
}

/// `rawsend(addr, typename, msg [, sz])`.
pub(super) unsafe extern "C-unwind" fn rawsend(l: *mut lua_State) -> c_int {
    // SAFETY: as `send`.
    unsafe {
        let vm = vm_of(l);
        push_named(l, vm, 2);
        let kind = number_of(l);
        let to = destination(l, 1);
        let block = payload(l, 3);
        let source = (*vm).context.address();
        sent(l, post(vm, to, (source, kind, Session::NONE), block), 0)
    }
}

/// `redirect(dest, source, typename, session, msg [, sz])`.
pub(super) unsafe extern "C-unwind" fn redirect(l: *mut lua_State) -> c_int {
    // SAFETY: as `send`.
    unsafe {
        let vm = vm_of(l);
        let to = destination(l, 1);
        let mut source = Address::new(luaL_checkinteger(l, 2) as u32);
        if source == Address::NOBODY {
            source = (*vm).context.address();
        }
        push_named(l, vm, 3);
        let kind = number_of(l);
        let session = match lua_isnoneornil(l, 4) {
            0 => luaL_checkinteger(l, 4) as i32,
            _ => (*vm).new_session(),
        };
        let block = payload(l, 5);
        sent(l, post(vm, to, (source, kind, Session::new(session)), block), session)
    }
}

/// Pushes what a send returns to Lua: the session, false when too large, nothing when nobody is
/// there.
///
/// # Safety
/// `l` runs.
pub(in crate::lua) unsafe fn sent(
    l: *mut lua_State,
    outcome: Result<(), SendError>,
    session: i32,
) -> c_int {
    // SAFETY: plain API calls.
    unsafe {
        match outcome {
            Ok(()) => lua_pushinteger(l, session.into()),
            Err(SendError::TooLarge) => lua_pushboolean(l, 0),
            Err(_) => return 0,
        }
    }
    1
}

/// `genid()`.
pub(in crate::lua) unsafe extern "C-unwind" fn genid(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this in a live Vm.
    unsafe { lua_pushinteger(l, (*vm_of(l)).new_session().into()) };
    1
}
