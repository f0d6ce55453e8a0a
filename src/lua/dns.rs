//! The module `skynet.dns.packet`: questions and answers of name servers. Used by `skynet.dns`.

use std::ffi::c_int;

use mlua::ffi::{
    lua_State, lua_createtable, lua_pushboolean, lua_pushinteger, lua_pushnil, lua_rawseti,
    lua_toboolean, luaL_checkinteger,
};

use super::bytes::{check_bytes, push_bytes};
use super::native::set_functions;
use crate::codec::dns::{self, Answer, Family};

/// Opens the module.
pub(super) unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        lua_createtable(l, 0, 2);
        set_functions(l, &[(c"question", question), (c"answer", answer)]);
        1
    }
}

/// `question(id, name, ipv6) -> packet`; nil for what is no name.
unsafe extern "C-unwind" fn question(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this. Running out of memory while the packet is pushed would leak it.
    unsafe {
        let id = luaL_checkinteger(l, 1) as u16;
        let name = check_bytes(l, 2);
        let family = if lua_toboolean(l, 3) != 0 { Family::V6 } else { Family::V4 };
        match dns::question(id, name, family) {
            Some(packet) => push_bytes(l, &packet),
            None => lua_pushnil(l),
        }
    }
    1
}

/// `answer(packet) -> id, name, ipv6, seconds, addresses`; nil when it is malformed.
unsafe extern "C-unwind" fn answer(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this. Running out of memory while the answer is pushed would leak it.
    unsafe {
        match dns::answer(check_bytes(l, 1)) {
            Some(answer) => push_answer(l, &answer),
            None => {
                lua_pushnil(l);
                1
            }
        }
    }
}

unsafe fn push_answer(l: *mut lua_State, answer: &Answer) -> c_int {
    // SAFETY: as the caller's.
    unsafe {
        lua_pushinteger(l, answer.id.into());
        push_bytes(l, &answer.name);
        lua_pushboolean(l, c_int::from(answer.family == Family::V6));
        lua_pushinteger(l, answer.seconds.into());
        lua_createtable(l, answer.addresses.len() as c_int, 0);
        for (index, address) in (1..).zip(&answer.addresses) {
            push_bytes(l, dns::text_of(*address).as_bytes());
            lua_rawseti(l, -2, index);
        }
    }
    5
}
