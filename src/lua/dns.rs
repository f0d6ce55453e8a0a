//! The module `skynet.dns.packet`: questions and answers of name servers. Used by `skynet.dns`.

use std::ffi::c_int;

use mlua::ffi::{
    lua_State, lua_createtable, lua_pushboolean, lua_pushinteger, lua_pushnil, lua_rawseti,
    lua_setfield, luaL_checkinteger,
};

use super::bytes::{check_bytes, push_bytes};
use super::native::set_functions;
use crate::codec::dns::{self, Answer, Kind, Record};

/// Opens the module.
pub(super) unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        lua_createtable(l, 0, 2);
        set_functions(l, &[(c"question", question), (c"answer", answer)]);
        1
    }
}

/// `question(id, name, type) -> packet`; nil for what is no name, and for types that are not read.
unsafe extern "C-unwind" fn question(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this. Running out of memory while the packet is pushed would leak it.
    unsafe {
        let id = luaL_checkinteger(l, 1) as u16;
        let name = check_bytes(l, 2);
        let kind = u16::try_from(luaL_checkinteger(l, 3)).ok().and_then(Kind::of_number);
        match kind.and_then(|kind| dns::question(id, name, kind)) {
            Some(packet) => push_bytes(l, &packet),
            None => lua_pushnil(l),
        }
    }
    1
}

/// `answer(packet) -> id, name, type, seconds, records, status, truncated`; nil when malformed.
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
        lua_pushinteger(l, answer.kind.number().into());
        lua_pushinteger(l, answer.seconds.into());
        lua_createtable(l, answer.records.len() as c_int, 0);
        for (index, record) in (1..).zip(&answer.records) {
            push_record(l, record);
            lua_rawseti(l, -2, index);
        }
        lua_pushinteger(l, answer.status.into());
        lua_pushboolean(l, c_int::from(answer.truncated));
    }
    7
}

/// Pushes the text of an address, or the table of a service.
unsafe fn push_record(l: *mut lua_State, record: &Record) {
    // SAFETY: as the caller's; each value is set into the table below it.
    unsafe {
        match record {
            Record::Address(address) => push_bytes(l, dns::text_of(*address).as_bytes()),
            Record::Service { priority, weight, port, target } => {
                lua_createtable(l, 0, 4);
                for (name, value) in [(c"priority", priority), (c"weight", weight), (c"port", port)]
                {
                    lua_pushinteger(l, (*value).into());
                    lua_setfield(l, -2, name.as_ptr());
                }
                push_bytes(l, target);
                lua_setfield(l, -2, c"target".as_ptr());
            }
        }
    }
}
