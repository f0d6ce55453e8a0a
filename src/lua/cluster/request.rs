//! Requests, pushes and trace tags of the module `skynet.cluster.core`.

use std::ffi::c_int;
use std::ptr;

use mlua::ffi::{
    LUA_TLIGHTUSERDATA, LUA_TNUMBER, LUA_TSTRING, lua_Integer, lua_State, lua_createtable,
    lua_pushboolean, lua_pushinteger, lua_pushlstring, lua_pushnil, lua_rawseti, lua_tointegerx,
    lua_tolstring, lua_touserdata, lua_type, luaL_checkinteger, luaL_checklstring, luaL_error,
    luaL_typename,
};

use super::{block_at, bytes_at, push_block, push_packet, push_text, string_at};
use crate::codec::cluster::{Name, PART, Request, Target};
use crate::lua::error::raise_top;

/// `packrequest(address, session, message, size) -> packet, next session [, parts]`.
pub(super) unsafe extern "C-unwind" fn pack_request(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe { pack(l, false) }
}

/// `packpush(address, session, message, size) -> packet, next session [, parts]`.
pub(super) unsafe extern "C-unwind" fn pack_push(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe { pack(l, true) }
}

/// Packs and frees the message.
unsafe fn pack(l: *mut lua_State, push: bool) -> c_int {
    // SAFETY: the message is a block of the C heap, as its giver promises. Nothing is owned in the
    // calls that may raise, but for the block: running out of memory there would leak it.
    unsafe {
        if lua_type(l, 3) != LUA_TLIGHTUSERDATA {
            return luaL_error(l, c"Invalid request message".as_ptr());
        }
        let (size, session) = (luaL_checkinteger(l, 4), luaL_checkinteger(l, 2));
        let block = lua_touserdata(l, 3);
        let to = target(l);
        if let (Some(to), Some(size), Some(session)) = (to, size_of(size), session_of(session)) {
            let body = bytes_at(block.cast(), size as usize);
            let count = push_request(l, to, session, body, push);
            libc::free(block);
            return count;
        }
        libc::free(block);
        if session_of(session).is_none() {
            luaL_error(l, c"Invalid request session %I".as_ptr(), session);
        }
        if size_of(size).is_none() {
            luaL_error(l, c"Invalid request size %I".as_ptr(), size);
        }
        refuse_target(l)
    }
}

fn session_of(number: lua_Integer) -> Option<u32> {
    // Wider numbers are cut, as the reference does.
    (number > 0).then_some(number as u32)
}

fn size_of(number: lua_Integer) -> Option<u32> {
    u32::try_from(number).ok()
}

/// The session after this one: 31 bits, never 0.
fn next_session(session: u32) -> lua_Integer {
    match session & 0x7fff_ffff {
        0x7fff_ffff => 1,
        session => lua_Integer::from(session) + 1,
    }
}

/// Reads the address, which is the first argument.
unsafe fn target<'a>(l: *mut lua_State) -> Option<Target<'a>> {
    // SAFETY: the string stays an argument while it is used.
    unsafe {
        match lua_type(l, 1) {
            LUA_TNUMBER => {
                let mut integral = 0;
                let address = lua_tointegerx(l, 1, &mut integral);
                (integral != 0).then_some(Target::Address(address as u32))
            }
            LUA_TSTRING => Name::new(string_at(l, 1)).map(Target::Name),
            _ => None,
        }
    }
}

/// Raises what is wrong with the first argument.
unsafe fn refuse_target(l: *mut lua_State) -> c_int {
    // SAFETY: nothing is owned here.
    unsafe {
        match lua_type(l, 1) {
            LUA_TNUMBER => {
                luaL_checkinteger(l, 1);
                0
            }
            LUA_TSTRING => {
                let text = c"name length is invalid, must be between 1 and 255 characters: %s";
                luaL_error(l, text.as_ptr(), lua_tolstring(l, 1, ptr::null_mut()))
            }
            _ => {
                let kind = luaL_typename(l, 1);
                luaL_error(l, c"name is not a string, it's a %s".as_ptr(), kind)
            }
        }
    }
}

/// Pushes the packet, the next session, and the parts when there are some.
unsafe fn push_request(
    l: *mut lua_State,
    to: Target<'_>,
    session: u32,
    body: &[u8],
    push: bool,
) -> c_int {
    // SAFETY: as the caller's.
    unsafe {
        if !Request::needs_parts(body.len()) {
            let session_sent = if push { 0 } else { session };
            push_packet(l, to.single(session_sent, body.len()), body);
            lua_pushinteger(l, next_session(session));
            return 2;
        }
        push_packet(l, to.begin(session, body.len() as u32, push), &[]);
        lua_pushinteger(l, next_session(session));
        lua_createtable(l, body.len().div_ceil(PART) as c_int, 0);
        let mut left = body.len();
        for (index, part) in (1..).zip(body.chunks(PART)) {
            left -= part.len();
            push_packet(l, Request::part(session, part.len(), left == 0), part);
            lua_rawseti(l, -2, index);
        }
        3
    }
}

/// `packtrace(tag) -> packet`.
pub(super) unsafe extern "C-unwind" fn pack_trace(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let mut len = 0;
        let tag = luaL_checklstring(l, 1, &mut len);
        if len > PART {
            return luaL_error(l, c"trace tag is too long : %d".as_ptr(), len as c_int);
        }
        push_packet(l, Request::trace(len), bytes_at(tag.cast(), len));
        1
    }
}

/// `unpackrequest(packet)` or `(block, size)`; the results depend on the kind of the packet.
pub(super) unsafe extern "C-unwind" fn unpack_request(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this. The error's text is dropped before it is raised.
    unsafe {
        let packet = match lua_type(l, 1) {
            LUA_TLIGHTUSERDATA => block_at(l, 1),
            _ => {
                let mut len = 0;
                let text = luaL_checklstring(l, 1, &mut len);
                bytes_at(text.cast(), len)
            }
        };
        match Request::decode(packet) {
            Ok(request) => push_decoded(l, request),
            Err(error) => {
                push_text(l, &error.to_string());
                raise_top(l)
            }
        }
    }
}

unsafe fn push_decoded(l: *mut lua_State, request: Request<'_>) -> c_int {
    // SAFETY: strings are pushed before blocks are made.
    unsafe {
        match request {
            Request::Single { to, session, body } => {
                push_target(l, to, session);
                push_block(l, body);
                if session != 0 {
                    return 4;
                }
                lua_pushnil(l);
                lua_pushboolean(l, 1);
                6
            }
            Request::Begin { to, session, size, push } => {
                push_target(l, to, session);
                lua_pushnil(l);
                lua_pushinteger(l, lua_Integer::from(size));
                lua_pushboolean(l, 1);
                lua_pushboolean(l, c_int::from(push));
                6
            }
            Request::Part { session, bytes, last } => {
                lua_pushboolean(l, 0);
                lua_pushinteger(l, lua_Integer::from(session));
                push_block(l, bytes);
                lua_pushboolean(l, c_int::from(!last));
                5
            }
            Request::Trace(tag) => {
                lua_pushlstring(l, tag.as_ptr().cast(), tag.len());
                1
            }
        }
    }
}

unsafe fn push_target(l: *mut lua_State, to: Target<'_>, session: u32) {
    // SAFETY: as the caller's.
    unsafe {
        match to {
            Target::Address(address) => lua_pushinteger(l, lua_Integer::from(address)),
            Target::Name(name) => {
                let name = name.as_bytes();
                lua_pushlstring(l, name.as_ptr().cast(), name.len());
            }
        }
        lua_pushinteger(l, lua_Integer::from(session));
    }
}
