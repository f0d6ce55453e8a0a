//! `unpack`: what a socket message says.

use std::ffi::c_int;

use mlua::ffi::{
    lua_State, lua_pushinteger, lua_pushlightuserdata, lua_pushlstring, lua_touserdata,
    luaL_checkinteger,
};

use crate::lua::error::raise;
use crate::message::socket::{Event, Record};
use crate::net::UdpAddress;

/// `unpack(msg, sz) -> type, id, ud, text_or_block [, udp address]`.
pub(super) unsafe extern "C-unwind" fn unpack(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this with a message's payload; nothing is owned.
    unsafe {
        let start = lua_touserdata(l, 1).cast::<u8>();
        let len = luaL_checkinteger(l, 2) as usize;
        let bytes = match start.is_null() {
            true => &[][..],
            false => std::slice::from_raw_parts(start, len),
        };
        let Some(record) = Record::read(bytes) else { raise(l, c"Invalid socket message") };
        lua_pushinteger(l, record.event.into());
        lua_pushinteger(l, record.id.into());
        lua_pushinteger(l, record.ud.into());
        if record.buffer.is_null() {
            lua_pushlstring(l, record.text.as_ptr().cast(), record.text.len());
            return 4;
        }
        lua_pushlightuserdata(l, record.buffer.cast());
        if record.event != Event::Udp as i32 {
            return 4;
        }
        // The sender's address follows the bytes; its first byte says how long it is.
        let address = record.buffer.add(record.ud as usize);
        let len = if *address == 1 { 7 } else { UdpAddress::BYTES_MAX };
        lua_pushlstring(l, address.cast(), len);
        5
    }
}
