//! `info`, `resolve`, `udp_address`.

use std::ffi::{CStr, c_int};

use mlua::ffi::{
    lua_Integer, lua_State, lua_createtable, lua_pushboolean, lua_pushinteger, lua_pushlstring,
    lua_rawseti, lua_setfield, luaL_checklstring,
};

use super::arguments::text;
use super::net_of;
use crate::lua::error::{raise, raise_top};
use crate::net::{InfoKind, SocketInfo, Transport, UdpAddress, look_up};

/// Pushes a text. Running out of memory here leaks what the caller owns: figures that people look
/// at, a few hundred bytes.
unsafe fn push_text(l: *mut lua_State, text: &str) {
    // SAFETY: rule 4.
    unsafe { lua_pushlstring(l, text.as_ptr().cast(), text.len()) };
}

unsafe fn set_number(l: *mut lua_State, name: &CStr, number: u64) {
    // SAFETY: rule 4; a table is on top.
    unsafe {
        lua_pushinteger(l, number as lua_Integer);
        lua_setfield(l, -2, name.as_ptr());
    }
}

unsafe fn set_text(l: *mut lua_State, name: &CStr, text: &str) {
    // SAFETY: as `set_number`.
    unsafe {
        push_text(l, text);
        lua_setfield(l, -2, name.as_ptr());
    }
}

unsafe fn set_flag(l: *mut lua_State, name: &CStr, flag: bool) {
    // SAFETY: as `set_number`.
    unsafe {
        lua_pushboolean(l, flag.into());
        lua_setfield(l, -2, name.as_ptr());
    }
}

/// `info()`.
pub(super) unsafe extern "C-unwind" fn info(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; see `push_text` for what is owned.
    unsafe {
        let all = net_of(l).info();
        lua_createtable(l, all.len() as c_int, 0);
        for (place, socket) in (1..).zip(&all) {
            push_socket(l, socket);
            lua_rawseti(l, -2, place);
        }
        1
    }
}

unsafe fn push_socket(l: *mut lua_State, socket: &SocketInfo) {
    let kind = match socket.kind {
        InfoKind::Listen => "LISTEN",
        InfoKind::Tcp => "TCP",
        InfoKind::Udp => "UDP",
        InfoKind::Bind => "BIND",
        InfoKind::Closing => "CLOSING",
    };
    // SAFETY: rule 4.
    unsafe {
        lua_createtable(l, 0, 10);
        set_number(l, c"id", socket.id.number() as u64);
        set_number(l, c"address", socket.owner.bits().into());
        set_text(l, c"type", kind);
        set_number(l, c"rtime", socket.read_at);
        if socket.kind == InfoKind::Listen {
            set_number(l, c"accept", socket.read);
            set_text(l, c"sock", socket.name.as_deref().unwrap_or_default());
            return;
        }
        set_number(l, c"read", socket.read);
        set_number(l, c"write", socket.written);
        set_number(l, c"wbuffer", socket.unsent as u64);
        set_number(l, c"wtime", socket.written_at);
        set_flag(l, c"reading", socket.reading);
        set_flag(l, c"writing", socket.writing);
        if let Some(name) = &socket.name {
            set_text(l, c"peer", name);
        }
    }
}

/// `resolve(host)`: an array of addresses in digits.
pub(super) unsafe extern "C-unwind" fn resolve(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; what is owned is dropped before the error is raised.
    unsafe {
        let resolved = push_resolved(l, text(l, 1));
        if !resolved {
            raise_top(l);
        }
        1
    }
}

/// Pushes the addresses of a host, or the text that says why there are none.
unsafe fn push_resolved(l: *mut lua_State, host: &str) -> bool {
    let found = look_up(host, 0, Transport::Any);
    // SAFETY: rule 4; see `push_text` for what is owned.
    unsafe {
        match found {
            Ok(addresses) => {
                lua_createtable(l, addresses.len() as c_int, 0);
                for (place, address) in (1..).zip(&addresses) {
                    push_text(l, &address.ip().to_string());
                    lua_rawseti(l, -2, place);
                }
                true
            }
            Err(error) => {
                push_text(l, &error);
                false
            }
        }
    }
}

/// `udp_address(address)`: host and port.
pub(super) unsafe extern "C-unwind" fn udp_address(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned when something raises.
    unsafe {
        let mut len = 0;
        let bytes = luaL_checklstring(l, 1, &mut len);
        let Some(address) = UdpAddress::parse(std::slice::from_raw_parts(bytes.cast(), len)) else {
            raise(l, c"Invalid udp address")
        };
        push_text(l, &address.ip().to_string());
        lua_pushinteger(l, address.port().into());
        2
    }
}
