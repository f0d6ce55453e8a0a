//! Responses of the module `skynet.cluster.core`.

use std::ffi::c_int;

use mlua::ffi::{
    LUA_TSTRING, lua_Integer, lua_State, lua_createtable, lua_pushboolean, lua_pushinteger,
    lua_pushlstring, lua_rawseti, lua_toboolean, lua_type, luaL_checkinteger, luaL_checklstring,
};

use super::{block_at, bytes_at, push_packet, string_at};
use crate::codec::cluster::{PART, Response};

/// `packresponse(session, ok, text)` or `(session, ok, block, size) -> packet | packets`. The block
/// stays the caller's.
pub(super) unsafe extern "C-unwind" fn pack_response(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; strings stay arguments while they are read.
    unsafe {
        let session = luaL_checkinteger(l, 1) as u32;
        let body = match lua_type(l, 3) {
            LUA_TSTRING => string_at(l, 3),
            _ => block_at(l, 3),
        };
        if lua_toboolean(l, 2) == 0 {
            let text = Response::cut(body);
            push_packet(l, Response::Error(text).head(session), text);
        } else if !Response::needs_parts(body.len()) {
            push_packet(l, Response::Whole(body).head(session), body);
        } else if let Ok(size) = u32::try_from(body.len()) {
            push_response_parts(l, session, size, body);
        } else {
            let text = Response::Error(b"the response is too large");
            push_packet(l, text.head(session), b"the response is too large");
        }
        1
    }
}

unsafe fn push_response_parts(l: *mut lua_State, session: u32, size: u32, body: &[u8]) {
    // SAFETY: as the caller's.
    unsafe {
        lua_createtable(l, body.len().div_ceil(PART) as c_int + 1, 0);
        push_packet(l, Response::Begin(size).head(session), &[]);
        lua_rawseti(l, -2, 1);
        let mut left = body.len();
        for (index, part) in (2..).zip(body.chunks(PART)) {
            left -= part.len();
            let head = match left {
                0 => Response::LastPart(part).head(session),
                _ => Response::Part(part).head(session),
            };
            push_packet(l, head, part);
            lua_rawseti(l, -2, index);
        }
    }
}

/// `unpackresponse(packet) -> session, ok, data [, true when more follows]`; nothing for bytes that
/// are no response.
pub(super) unsafe extern "C-unwind" fn unpack_response(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let mut len = 0;
        let packet = luaL_checklstring(l, 1, &mut len);
        let Some((session, response)) = Response::decode(bytes_at(packet.cast(), len)) else {
            return 0;
        };
        lua_pushinteger(l, lua_Integer::from(session));
        lua_pushboolean(l, c_int::from(!matches!(response, Response::Error(_))));
        match response {
            Response::Begin(size) => lua_pushinteger(l, lua_Integer::from(size)),
            Response::Error(data)
            | Response::Whole(data)
            | Response::Part(data)
            | Response::LastPart(data) => {
                lua_pushlstring(l, data.as_ptr().cast(), data.len());
            }
        }
        if !matches!(response, Response::Begin(_) | Response::Part(_)) {
            return 3;
        }
        lua_pushboolean(l, 1);
        4
    }
}
