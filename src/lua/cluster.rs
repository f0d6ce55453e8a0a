//! The module `skynet.cluster.core`: packets of cluster links for the services that send and get
//! them. Spec: cluster section C.3.
//!
//! Bodies come and go as blocks of the C heap (a light userdata and a size), as everywhere in
//! skynet's API; packets are strings.

pub(super) mod handshake;

use std::ffi::{c_char, c_int};
use std::ptr;
use std::slice;

use mlua::ffi::{
    self, LUA_TLIGHTUSERDATA, LUA_TNIL, LUA_TNUMBER, LUA_TSTRING, LUA_TTABLE, lua_Integer,
    lua_State, lua_createtable, lua_pushboolean, lua_pushinteger, lua_pushlightuserdata,
    lua_pushlstring, lua_pushnil, lua_rawgeti, lua_rawlen, lua_rawseti, lua_settop, lua_toboolean,
    lua_tointeger, lua_tointegerx, lua_tolstring, lua_touserdata, lua_type, luaL_Buffer,
    luaL_checkinteger, luaL_checklstring, luaL_error, luaL_typename,
};

use super::error::raise_top;
use super::native::set_functions;
use crate::codec::cluster::{Head, Name, PART, Request, Response, Target};
use crate::codec::seri::holds_pointer;
use crate::message::Payload;

/// Opens the module.
pub(super) unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        lua_createtable(l, 0, 11);
        set_functions(
            l,
            &[
                (c"packrequest", pack_request),
                (c"packpush", pack_push),
                (c"packtrace", pack_trace),
                (c"unpackrequest", unpack_request),
                (c"packresponse", pack_response),
                (c"unpackresponse", unpack_response),
                (c"append", append),
                (c"concat", concat),
                (c"isname", is_name),
                (c"haspointer", has_pointer),
                (c"nodename", node_name),
            ],
        );
        1
    }
}

/// `packrequest(address, session, message, size) -> packet, next session [, parts]`.
unsafe extern "C-unwind" fn pack_request(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe { pack(l, false) }
}

/// `packpush(address, session, message, size) -> packet, next session [, parts]`.
unsafe extern "C-unwind" fn pack_push(l: *mut lua_State) -> c_int {
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

/// Pushes head and body as one string.
unsafe fn push_packet(l: *mut lua_State, head: Head, body: &[u8]) {
    let head = head.as_bytes();
    let len = head.len() + body.len();
    let mut buffer = std::mem::MaybeUninit::<luaL_Buffer>::uninit();
    // SAFETY: the buffer has room for both, and Lua initialises it.
    unsafe {
        let start: *mut c_char = ffi::luaL_buffinitsize(l, buffer.as_mut_ptr(), len);
        ptr::copy_nonoverlapping(head.as_ptr(), start.cast(), head.len());
        ptr::copy_nonoverlapping(body.as_ptr(), start.add(head.len()).cast(), body.len());
        ffi::luaL_pushresultsize(buffer.as_mut_ptr(), len);
    }
}

/// `packtrace(tag) -> packet`.
unsafe extern "C-unwind" fn pack_trace(l: *mut lua_State) -> c_int {
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
unsafe extern "C-unwind" fn unpack_request(l: *mut lua_State) -> c_int {
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

/// Pushes a text whose owner drops it afterwards.
unsafe fn push_text(l: *mut lua_State, text: &str) {
    // SAFETY: running out of memory right here would leak the text.
    unsafe { lua_pushlstring(l, text.as_ptr().cast(), text.len()) };
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

/// Pushes a copy in a block that the caller of the function owns, and its size.
unsafe fn push_block(l: *mut lua_State, bytes: &[u8]) {
    let (start, len) = Payload::copy_of(bytes).into_raw();
    // SAFETY: neither of these raises.
    unsafe {
        lua_pushlightuserdata(l, start.cast());
        lua_pushinteger(l, len as lua_Integer);
    }
}

/// `packresponse(session, ok, text)` or `(session, ok, block, size) -> packet | packets`. The block
/// stays the caller's.
unsafe extern "C-unwind" fn pack_response(l: *mut lua_State) -> c_int {
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
unsafe extern "C-unwind" fn unpack_response(l: *mut lua_State) -> c_int {
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

/// `append(parts, nil, size)` begins a list, `append(parts, block, size)` adds a part and frees it.
unsafe extern "C-unwind" fn append(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the block came from `unpackrequest`.
    unsafe {
        ffi::luaL_checktype(l, 1, LUA_TTABLE);
        let size = luaL_checkinteger(l, 3);
        let index = lua_rawlen(l, 1) as lua_Integer + 1;
        match lua_type(l, 2) {
            LUA_TNIL => lua_pushinteger(l, size),
            LUA_TLIGHTUSERDATA => {
                let bytes = block_at(l, 2);
                lua_pushlstring(l, bytes.as_ptr().cast(), bytes.len());
                libc::free(lua_touserdata(l, 2));
            }
            _ => return luaL_error(l, c"Need lightuserdata".as_ptr()),
        }
        lua_rawseti(l, 1, index);
        0
    }
}

/// `concat(parts) -> block, size`; nothing when the parts are not as long as the list says.
unsafe extern "C-unwind" fn concat(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this. Nothing raises while the block is owned here.
    unsafe {
        if lua_type(l, 1) != LUA_TTABLE {
            return 0;
        }
        lua_settop(l, 1);
        lua_rawgeti(l, 1, 1);
        if lua_type(l, 2) != LUA_TNUMBER {
            return 0;
        }
        let size = lua_tointeger(l, 2);
        let count = lua_rawlen(l, 1) as lua_Integer;
        if total(l, count) != Some(size) {
            return 0;
        }
        let block = libc::malloc(size as usize + 1).cast::<u8>();
        if block.is_null() {
            return luaL_error(l, c"not enough memory".as_ptr());
        }
        let mut end = block;
        for index in 2..=count {
            lua_rawgeti(l, 1, index);
            let part = string_at(l, -1);
            ptr::copy_nonoverlapping(part.as_ptr(), end, part.len());
            end = end.add(part.len());
            lua_settop(l, 2);
        }
        // A payload ends with a NUL that is not counted.
        end.write(0);
        lua_pushlightuserdata(l, block.cast());
        lua_pushinteger(l, size);
        2
    }
}

/// Returns how long the parts of a list are together; `None` when one is no string.
unsafe fn total(l: *mut lua_State, count: lua_Integer) -> Option<lua_Integer> {
    let mut sum = 0;
    for index in 2..=count {
        // SAFETY: as the caller's.
        unsafe {
            let kind = lua_rawgeti(l, 1, index);
            sum += lua_rawlen(l, -1) as lua_Integer;
            lua_settop(l, 2);
            if kind != LUA_TSTRING {
                return None;
            }
        }
    }
    Some(sum)
}

/// `isname(x)`: true for a string that begins with `@`, otherwise nothing.
unsafe extern "C-unwind" fn is_name(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        if lua_type(l, 1) != LUA_TSTRING || string_at(l, 1).first() != Some(&b'@') {
            return 0;
        }
        lua_pushboolean(l, 1);
        1
    }
}

/// `haspointer(text)` or `(block, size)`: whether packed values hold a light userdata, which means
/// nothing in another process.
unsafe extern "C-unwind" fn has_pointer(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; a string stays an argument while it is read.
    unsafe {
        let body = match lua_type(l, 1) {
            LUA_TSTRING => string_at(l, 1),
            _ => block_at(l, 1),
        };
        lua_pushboolean(l, c_int::from(holds_pointer(body)));
        1
    }
}

/// `nodename()`: the name of the host and the number of the process.
unsafe extern "C-unwind" fn node_name(l: *mut lua_State) -> c_int {
    let name = format!("{}{}", host_name(), std::process::id());
    // SAFETY: Lua calls this.
    unsafe { push_text(l, &name) };
    1
}

/// The host's name without blanks and control characters, `noname` when it has none.
fn host_name() -> String {
    let mut bytes = [0_u8; 256];
    // SAFETY: the last byte stays 0 whatever the call writes.
    let failed = unsafe { libc::gethostname(bytes.as_mut_ptr().cast(), bytes.len() - 1) } != 0;
    let len = bytes.iter().position(|byte| *byte == 0).unwrap_or(0);
    if failed || len == 0 {
        return "noname".into();
    }
    let visible = |byte: &u8| if *byte <= b' ' { '_' } else { char::from(*byte) };
    bytes[..len].iter().map(visible).collect()
}

/// The block and size that stand at an index and the one behind it.
unsafe fn block_at<'a>(l: *mut lua_State, index: c_int) -> &'a [u8] {
    // SAFETY: the giver of a block promises that it has as many bytes as the size says.
    unsafe {
        if lua_type(l, index) != LUA_TLIGHTUSERDATA {
            luaL_checklstring(l, index, ptr::null_mut());
        }
        let size = luaL_checkinteger(l, index + 1);
        bytes_at(lua_touserdata(l, index).cast(), usize::try_from(size).unwrap_or(0))
    }
}

/// The bytes of the string at an index.
unsafe fn string_at<'a>(l: *mut lua_State, index: c_int) -> &'a [u8] {
    // SAFETY: a string is there.
    unsafe {
        let mut len = 0;
        let text = lua_tolstring(l, index, &mut len);
        bytes_at(text.cast(), len)
    }
}

unsafe fn bytes_at<'a>(start: *const u8, len: usize) -> &'a [u8] {
    if start.is_null() {
        return &[];
    }
    // SAFETY: as the caller's.
    unsafe { slice::from_raw_parts(start, len) }
}

#[cfg(test)]
#[path = "cluster/tests.rs"]
mod tests;
