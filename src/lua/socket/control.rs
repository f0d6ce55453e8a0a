//! `start`, `pause`, `close`, `shutdown`, `nodelay`, `silence`, and the functions that send.

use std::ffi::c_int;
use std::time::Duration;

use mlua::ffi::{lua_State, lua_pushboolean, luaL_checkinteger, luaL_checklstring};

use super::arguments::data;
use super::stream::has_more;
use super::{net_of, socket_id};
use crate::lua::vm::vm_of;
use crate::net::{Priority, UdpAddress};

/// `start(id)`.
pub(super) unsafe extern "C-unwind" fn start(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned when something raises.
    unsafe {
        let id = socket_id(l, 1);
        net_of(l).start((*vm_of(l)).context.address(), id);
        0
    }
}

/// `pause(id)`.
pub(super) unsafe extern "C-unwind" fn pause(l: *mut lua_State) -> c_int {
    // SAFETY: as `start`.
    unsafe {
        net_of(l).pause(socket_id(l, 1));
        0
    }
}

/// `close(id)`.
pub(super) unsafe extern "C-unwind" fn close(l: *mut lua_State) -> c_int {
    // SAFETY: as `start`.
    unsafe {
        net_of(l).close(socket_id(l, 1));
        0
    }
}

/// `shutdown(id)`.
pub(super) unsafe extern "C-unwind" fn shutdown(l: *mut lua_State) -> c_int {
    // SAFETY: as `start`.
    unsafe {
        net_of(l).shutdown(socket_id(l, 1));
        0
    }
}

/// `nodelay(id)`.
pub(super) unsafe extern "C-unwind" fn nodelay(l: *mut lua_State) -> c_int {
    // SAFETY: as `start`.
    unsafe {
        net_of(l).nodelay(socket_id(l, 1));
        0
    }
}

/// `silence(id, centis)`: the connection fails when the peer's machine is silent for so long. The
/// limit is one of whole seconds, from 1 on.
pub(super) unsafe extern "C-unwind" fn silence(l: *mut lua_State) -> c_int {
    // SAFETY: as `start`.
    unsafe {
        let id = socket_id(l, 1);
        let centis = luaL_checkinteger(l, 2).max(100) as u64;
        net_of(l).limit_silence(id, Duration::from_secs(centis.div_ceil(100)));
        0
    }
}

unsafe fn send_as(l: *mut lua_State, priority: Priority) -> c_int {
    // SAFETY: rules 1 and 2: the data is given away at once.
    unsafe {
        let (net, id) = (net_of(l), socket_id(l, 1));
        let more = has_more(vm_of(l), id);
        let sent = match more {
            true => net.send_more(id, data(l, 2), priority),
            false => net.send(id, data(l, 2), priority),
        };
        lua_pushboolean(l, sent.into());
        1
    }
}

/// `send(id, data [, sz])`.
pub(super) unsafe extern "C-unwind" fn send(l: *mut lua_State) -> c_int {
    // SAFETY: as `start`.
    unsafe { send_as(l, Priority::High) }
}

/// `lsend(id, data [, sz])`.
pub(super) unsafe extern "C-unwind" fn lsend(l: *mut lua_State) -> c_int {
    // SAFETY: as `start`.
    unsafe { send_as(l, Priority::Low) }
}

/// `udp_send(id, address, data [, sz])`.
pub(super) unsafe extern "C-unwind" fn udp_send(l: *mut lua_State) -> c_int {
    // SAFETY: as `send_as`.
    unsafe {
        let (net, id) = (net_of(l), socket_id(l, 1));
        let mut len = 0;
        let address = luaL_checklstring(l, 2, &mut len);
        let to = UdpAddress::parse(std::slice::from_raw_parts(address.cast(), len));
        let bytes = data(l, 3);
        let sent = to.is_some_and(|to| net.udp_send(id, to, bytes));
        lua_pushboolean(l, sent.into());
        1
    }
}
