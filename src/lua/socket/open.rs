//! `connect`, `listen`, `bind`, and the functions that make UDP sockets.

use std::ffi::{CStr, c_int};

use mlua::ffi::{
    lua_Integer, lua_State, lua_isnoneornil, lua_pushinteger, lua_settop, luaL_checkinteger,
};

use super::arguments::address;
use super::{net_of, socket_id};
use crate::lua::error::raise;
use crate::lua::vm::vm_of;
use crate::message::Address;
use crate::net::{OpenError, SocketId};

unsafe fn own_address(l: *mut lua_State) -> Address {
    // SAFETY: rule 1.
    unsafe { (*vm_of(l)).context.address() }
}

/// Pushes the id of a socket, or raises `failure` if there is none.
unsafe fn opened(l: *mut lua_State, outcome: Result<SocketId, OpenError>, failure: &CStr) -> c_int {
    let id = outcome.ok().map(SocketId::number);
    // SAFETY: rules 2 and 4: the error has been dropped.
    unsafe {
        let Some(id) = id else { raise(l, failure) };
        lua_pushinteger(l, lua_Integer::from(id));
        1
    }
}

/// `connect(addr [, port])`.
pub(super) unsafe extern "C-unwind" fn connect(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned when something raises.
    unsafe {
        lua_settop(l, 2);
        let (host, port) = address(l, 1);
        if port == 0 {
            raise(l, c"Invalid port");
        }
        let outcome = net_of(l).connect(own_address(l), host, port);
        let id = outcome.map_or(-1, SocketId::number);
        lua_pushinteger(l, lua_Integer::from(id));
        1
    }
}

/// `listen(addr [, port [, backlog]])`.
pub(super) unsafe extern "C-unwind" fn listen(l: *mut lua_State) -> c_int {
    // SAFETY: as `connect`.
    unsafe {
        lua_settop(l, 3);
        let (host, port) = address(l, 1);
        let backlog = match lua_isnoneornil(l, 3) {
            0 => Some(luaL_checkinteger(l, 3) as i32),
            _ => None,
        };
        let outcome = net_of(l).listen(own_address(l), host, port, backlog);
        if let Err(error) = &outcome {
            // The text that is raised is skynet's; the log says what it is about.
            (*vm_of(l)).context.log(&format!("error: cannot listen on {host}:{port}: {error}"));
        }
        opened(l, outcome, c"Listen error")
    }
}

/// `bind(fd)`.
pub(super) unsafe extern "C-unwind" fn bind(l: *mut lua_State) -> c_int {
    // SAFETY: as `connect`.
    unsafe {
        let fd = luaL_checkinteger(l, 1) as c_int;
        let outcome = net_of(l).bind(own_address(l), fd);
        lua_pushinteger(l, lua_Integer::from(outcome.map_or(-1, SocketId::number)));
        1
    }
}

/// `udp([addr [, port]])`.
pub(super) unsafe extern "C-unwind" fn udp(l: *mut lua_State) -> c_int {
    // SAFETY: as `connect`.
    unsafe {
        lua_settop(l, 2);
        let at = (lua_isnoneornil(l, 1) == 0).then(|| address(l, 1));
        let outcome = net_of(l).udp(own_address(l), at);
        opened(l, outcome, c"udp init failed")
    }
}

/// `udp_dial(addr [, port])`.
pub(super) unsafe extern "C-unwind" fn udp_dial(l: *mut lua_State) -> c_int {
    // SAFETY: as `connect`.
    unsafe {
        lua_settop(l, 2);
        let (host, port) = address(l, 1);
        let outcome = net_of(l).udp_dial(own_address(l), host, port);
        opened(l, outcome, c"udp dial host failed")
    }
}

/// `udp_listen(addr [, port])`.
pub(super) unsafe extern "C-unwind" fn udp_listen(l: *mut lua_State) -> c_int {
    // SAFETY: as `connect`.
    unsafe {
        lua_settop(l, 2);
        let (host, port) = address(l, 1);
        let outcome = net_of(l).udp_listen(own_address(l), host, port);
        opened(l, outcome, c"udp listen host failed")
    }
}

/// `udp_connect(id, addr [, port])`.
pub(super) unsafe extern "C-unwind" fn udp_connect(l: *mut lua_State) -> c_int {
    // SAFETY: as `connect`.
    unsafe {
        lua_settop(l, 3);
        let id = socket_id(l, 1);
        let (host, port) = address(l, 2);
        let connected = net_of(l).udp_connect(id, host, port).is_ok();
        if !connected {
            raise(l, c"udp connect failed");
        }
        0
    }
}
