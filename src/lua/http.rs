//! The module `http.native`: heads and chunk sizes of HTTP, frames of WebSocket. Used by
//! `lualib/http/`.
//!
//! Everything is a pure function of strings, so that the Lua modules keep what state there is.

use std::ffi::{CStr, c_int};

use mlua::ffi::{
    LUA_TNIL, LUA_TTABLE, lua_CFunction, lua_Integer, lua_State, lua_concat, lua_createtable,
    lua_insert, lua_newuserdatauv, lua_pop, lua_pushboolean, lua_pushinteger, lua_pushlstring,
    lua_pushnil, lua_pushvalue, lua_rawget, lua_rawgeti, lua_rawlen, lua_rawset, lua_rawseti,
    lua_replace, lua_type, luaL_checkinteger, luaL_checklstring, luaL_checktype, luaL_optinteger,
};

use super::native::set_functions;
use crate::codec::http::{
    ChunkSize, HeaderLine, LINES_MAX, Lines, chunk_size, header_line, request_line, split_head,
    status_line,
};
use crate::codec::websocket::{HEAD_BYTES_MAX, apply_mask, frame_head, write_head};

const FUNCTIONS: &[(&CStr, lua_CFunction)] = &[
    (c"head", head),
    (c"lines", lines),
    (c"request_line", push_request_line),
    (c"status_line", push_status_line),
    (c"fields", fields),
    (c"chunk", chunk),
    (c"frame", frame),
    (c"frame_head", push_frame_head),
    (c"mask", mask),
];

/// Opens the module.
pub(super) unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        lua_createtable(l, 0, FUNCTIONS.len() as c_int);
        set_functions(l, FUNCTIONS);
        1
    }
}

/// Returns a string argument. It lives as long as it is on the stack.
unsafe fn bytes<'a>(l: *mut lua_State, index: c_int) -> &'a [u8] {
    // SAFETY: rule 2; Lua keeps arguments alive.
    unsafe {
        let mut len = 0;
        let text = luaL_checklstring(l, index, &mut len);
        std::slice::from_raw_parts(text.cast(), len)
    }
}

/// Returns the part of a string argument that begins at the position of another argument.
unsafe fn bytes_from<'a>(l: *mut lua_State, index: c_int, position: c_int) -> &'a [u8] {
    // SAFETY: rule 2.
    unsafe {
        let text = bytes(l, index);
        let from = usize::try_from(luaL_optinteger(l, position, 1) - 1).unwrap_or(0);
        text.get(from..).unwrap_or_default()
    }
}

unsafe fn push(l: *mut lua_State, bytes: &[u8]) {
    // SAFETY: rule 2.
    unsafe { _ = lua_pushlstring(l, bytes.as_ptr().cast(), bytes.len()) };
}

/// `head(text) -> body, fields, first_line`: takes a whole head apart. No value while its end has
/// not come; the position of the body and `false` when a line is not valid.
unsafe extern "C-unwind" fn head(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        let Some(mut head) = split_head(bytes(l, 1)) else { return 0 };
        lua_pushinteger(l, head.body as lua_Integer + 1);
        let first = head.lines.next();
        lua_createtable(l, 0, 8);
        if !add_fields(l, head.lines) {
            lua_pushboolean(l, 0);
            lua_replace(l, -2);
        }
        match first {
            Some(line) => push(l, line),
            None => lua_pushnil(l),
        }
        3
    }
}

/// `lines(text, list) -> body`: appends the lines of a head to a list. No value while its end has
/// not come.
unsafe extern "C-unwind" fn lines(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        luaL_checktype(l, 2, LUA_TTABLE);
        let Some(head) = split_head(bytes(l, 1)) else { return 0 };
        let first = lua_rawlen(l, 2) as lua_Integer + 1;
        for (index, line) in (first..).zip(head.lines) {
            push(l, line);
            lua_rawseti(l, 2, index);
        }
        lua_pushinteger(l, head.body as lua_Integer + 1);
        1
    }
}

/// `request_line(line) -> method, target, version`; no value for what is none.
unsafe extern "C-unwind" fn push_request_line(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        let Some(line) = request_line(bytes(l, 1)) else { return 0 };
        push(l, line.method);
        push(l, line.target);
        push(l, line.version);
        3
    }
}

/// `status_line(line) -> code, reason`; no value for what is none.
unsafe extern "C-unwind" fn push_status_line(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        let Some(line) = status_line(bytes(l, 1)) else { return 0 };
        lua_pushinteger(l, line.code.into());
        push(l, line.reason);
        2
    }
}

/// `fields(text, table) -> boolean`: adds header lines, joined by line ends, to a table.
unsafe extern "C-unwind" fn fields(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        let text = bytes(l, 1);
        luaL_checktype(l, 2, LUA_TTABLE);
        lua_pushvalue(l, 2);
        let valid = add_fields(l, Lines::of((!text.is_empty()).then_some(text)));
        lua_pushboolean(l, valid.into());
        1
    }
}

/// Adds header lines to the table on top of the stack. False if one of them is not valid, or
/// there are too many.
unsafe fn add_fields(l: *mut lua_State, lines: Lines<'_>) -> bool {
    // SAFETY: rules 2 and 4. The name of the last field stays above the table.
    unsafe {
        lua_pushnil(l);
        let mut valid = true;
        for (count, line) in lines.enumerate() {
            valid = count < LINES_MAX
                && match header_line(line) {
                    Some(HeaderLine::Field(name, value)) => add_field(l, name, value),
                    Some(HeaderLine::Continued(more)) => continue_field(l, more),
                    None => false,
                };
            if !valid {
                break;
            }
        }
        lua_pop(l, 1);
        valid
    }
}

/// Adds a field; the stack is: table, name of the last field.
unsafe fn add_field(l: *mut lua_State, name: &[u8], value: &[u8]) -> bool {
    // SAFETY: rules 2 and 4.
    unsafe {
        lua_pop(l, 1);
        push_lower(l, name);
        lua_pushvalue(l, -1);
        match lua_rawget(l, -3) {
            LUA_TNIL => {
                lua_pop(l, 1);
                lua_pushvalue(l, -1);
                push(l, value);
                lua_rawset(l, -4);
            }
            LUA_TTABLE => {
                push(l, value);
                lua_rawseti(l, -2, lua_rawlen(l, -2) as lua_Integer + 1);
                lua_pop(l, 1);
            }
            _ => begin_list(l, value),
        }
        true
    }
}

/// Makes a list of the value on top and another one; the stack is: table, name, first value.
unsafe fn begin_list(l: *mut lua_State, value: &[u8]) {
    // SAFETY: rules 2 and 4.
    unsafe {
        lua_createtable(l, 2, 0);
        lua_insert(l, -2);
        lua_rawseti(l, -2, 1);
        push(l, value);
        lua_rawseti(l, -2, 2);
        lua_pushvalue(l, -2);
        lua_insert(l, -2);
        lua_rawset(l, -4);
    }
}

/// Appends to the last value of the last field; the stack is: table, its name or nil.
unsafe fn continue_field(l: *mut lua_State, more: &[u8]) -> bool {
    // SAFETY: rules 2 and 4.
    unsafe {
        if lua_type(l, -1) == LUA_TNIL {
            return false;
        }
        lua_pushvalue(l, -1);
        if lua_rawget(l, -3) == LUA_TTABLE {
            let last = lua_rawlen(l, -1) as lua_Integer;
            lua_rawgeti(l, -1, last);
            push(l, more);
            lua_concat(l, 2);
            lua_rawseti(l, -2, last);
            lua_pop(l, 1);
        } else {
            push(l, more);
            lua_concat(l, 2);
            lua_pushvalue(l, -2);
            lua_insert(l, -2);
            lua_rawset(l, -4);
        }
        true
    }
}

/// Results up to this size are made on the stack of the thread.
const SMALL_BYTES: usize = 256;

/// Pushes a string of `len` bytes that `fill` makes. `fill` does not call Lua.
unsafe fn push_made(l: *mut lua_State, len: usize, fill: impl FnOnce(&mut [u8])) {
    // SAFETY: rule 2; a long result gets a block of Lua's, which the collector takes. The block
    // is filled with zeros before it becomes a slice.
    unsafe {
        let mut small = [0_u8; SMALL_BYTES];
        if let Some(place) = small.get_mut(..len) {
            fill(place);
            push(l, place);
            return;
        }
        let block = lua_newuserdatauv(l, len, 0).cast::<u8>();
        block.write_bytes(0, len);
        let place = std::slice::from_raw_parts_mut(block, len);
        fill(place);
        push(l, place);
        lua_replace(l, -2);
    }
}

/// Pushes a name in lower case.
unsafe fn push_lower(l: *mut lua_State, name: &[u8]) {
    // SAFETY: rule 2.
    unsafe {
        push_made(l, name.len(), |place| {
            place.copy_from_slice(name);
            place.make_ascii_lowercase();
        });
    }
}

/// `chunk(text, from) -> size, data`: the size line of a chunk and the position of its data.
/// No value while the line has not come, `false` for what is none.
unsafe extern "C-unwind" fn chunk(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        let text = bytes_from(l, 1, 2);
        match chunk_size(text) {
            ChunkSize::Incomplete => 0,
            ChunkSize::Invalid => {
                lua_pushboolean(l, 0);
                1
            }
            ChunkSize::Line { size, line } => {
                let Ok(size) = lua_Integer::try_from(size) else {
                    lua_pushboolean(l, 0);
                    return 1;
                };
                lua_pushinteger(l, size);
                lua_pushinteger(l, luaL_optinteger(l, 2, 1) + line as lua_Integer);
                2
            }
        }
    }
}

/// The key of an argument: the bytes of an integer, the high one first.
unsafe fn key_of(l: *mut lua_State, index: c_int) -> Option<[u8; 4]> {
    // SAFETY: rule 2.
    unsafe {
        (lua_type(l, index) > LUA_TNIL).then(|| (luaL_checkinteger(l, index) as u32).to_be_bytes())
    }
}

/// `frame(opcode, data [, key]) -> text`: a whole frame.
unsafe extern "C-unwind" fn frame(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        let opcode = luaL_checkinteger(l, 1) as u8;
        let data = bytes(l, 2);
        let key = key_of(l, 3);
        let mut start = [0; HEAD_BYTES_MAX];
        let len = write_head(opcode, data.len(), key, &mut start);
        let head = start.get(..len).unwrap_or_default();
        push_made(l, head.len() + data.len(), |place| {
            let (first, payload) = place.split_at_mut(head.len());
            first.copy_from_slice(head);
            payload.copy_from_slice(data);
            if let Some(key) = key {
                apply_mask(payload, key);
            }
        });
        1
    }
}

/// `frame_head(text, from) -> payload, data, opcode, fin, key`: the length of the payload, its
/// position, and what it is. No value while the head has not come; a length that no string has is
/// the greatest integer.
unsafe extern "C-unwind" fn push_frame_head(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        let Some(head) = frame_head(bytes_from(l, 1, 2)) else { return 0 };
        let from = luaL_optinteger(l, 2, 1);
        lua_pushinteger(l, lua_Integer::try_from(head.payload).unwrap_or(lua_Integer::MAX));
        lua_pushinteger(l, from + head.head as lua_Integer);
        lua_pushinteger(l, head.opcode.into());
        lua_pushboolean(l, head.fin.into());
        match head.mask {
            Some(key) => lua_pushinteger(l, u32::from_be_bytes(key).into()),
            None => lua_pushnil(l),
        }
        5
    }
}

/// `mask(data, key) -> text`.
unsafe extern "C-unwind" fn mask(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        let data = bytes(l, 1);
        let key = key_of(l, 2).unwrap_or_default();
        push_made(l, data.len(), |place| {
            place.copy_from_slice(data);
            apply_mask(place, key);
        });
        1
    }
}
