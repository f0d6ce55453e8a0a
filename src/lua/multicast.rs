//! The module `skynet.multicast.native`: one payload for many receivers. Used by `multicastd`.

use std::ffi::c_int;

use mlua::ffi::{
    LUA_TTABLE, lua_Integer, lua_State, lua_createtable, lua_newuserdatauv, lua_next, lua_pop,
    lua_pushinteger, lua_pushnil, lua_rawseti, lua_tointeger, luaL_checkinteger, luaL_checklstring,
    luaL_checktype,
};

use super::native::set_functions;
use super::vm::vm_of;
use crate::message::{Address, Kind, Message, Payload, Session};
use crate::node::Context;

/// Opens the module.
pub(super) unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        lua_createtable(l, 0, 1);
        set_functions(l, &[(c"publish", publish)]);
        1
    }
}

/// Where the subscribers are among the arguments of `publish`.
const SUBSCRIBERS: c_int = 4;

/// `publish(channel, source, text, subscribers) -> dead`: sends the bytes, which are copied once,
/// to every key of the table; returns an array of those that do not live any more.
unsafe extern "C-unwind" fn publish(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this. The addresses stand in memory of Lua's, so nothing is owned here
    // when something raises; `send_to_all` does not call Lua.
    unsafe {
        let channel = Session::new(luaL_checkinteger(l, 1) as i32);
        let source = Address::new(luaL_checkinteger(l, 2) as u32);
        let mut len = 0;
        let bytes = luaL_checklstring(l, 3, &mut len);
        luaL_checktype(l, SUBSCRIBERS, LUA_TTABLE);

        let count = each_key(l, |_, _| {});
        let list = lua_newuserdatauv(l, count * size_of::<Address>(), 0).cast::<Address>();
        each_key(l, |index, address| list.add(index).write(address));

        let list = std::slice::from_raw_parts_mut(list, count);
        let bytes = std::slice::from_raw_parts(bytes.cast(), len);
        let dead = send_to_all(&(*vm_of(l)).context, (channel, source), bytes, list);

        lua_createtable(l, dead as c_int, 0);
        for (index, address) in (1..).zip(&list[..dead]) {
            lua_pushinteger(l, lua_Integer::from(address.bits()));
            lua_rawseti(l, -2, index);
        }
        1
    }
}

/// Calls `visit(index, address)` for every key of the table of subscribers; returns how many.
unsafe fn each_key(l: *mut lua_State, visit: impl Fn(usize, Address)) -> usize {
    let mut count = 0;
    // SAFETY: the caller has checked the table; it does not change meanwhile.
    unsafe {
        lua_pushnil(l);
        while lua_next(l, SUBSCRIBERS) != 0 {
            visit(count, Address::new(lua_tointeger(l, -2) as u32));
            count += 1;
            lua_pop(l, 1);
        }
    }
    count
}

/// Sends one shared payload to all of a list. Those that do not live any more are moved to its
/// front; returns how many they are.
fn send_to_all(
    context: &Context,
    (session, source): (Session, Address),
    bytes: &[u8],
    list: &mut [Address],
) -> usize {
    let payload = Payload::shared_copy_of(bytes);
    let mut dead = 0;
    for index in 0..list.len() {
        let message = Message { source, session, kind: Kind::MULTICAST, payload: payload.clone() };
        if context.send(list[index], message).is_err() {
            list.swap(dead, index);
            dead += 1;
        }
    }
    dead
}
