//! The module `sprotoparser`: the text of a schema to a bundle. No lpeg is needed.

use std::ffi::c_int;

use mlua::ffi::{LUA_TSTRING, lua_State, lua_call, lua_createtable, lua_getglobal, lua_type};

use crate::codec::sproto::compile;
use crate::lua::bytes::{check_bytes, push_bytes};
use crate::lua::error::raise_top;
use crate::lua::native::set_functions;

/// Opens the module.
pub(in crate::lua) unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        lua_createtable(l, 0, 2);
        set_functions(l, &[(c"parse", parse), (c"dump", dump)]);
        1
    }
}

/// `parse(text [, name]) -> bundle`.
unsafe extern "C-unwind" fn parse(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this. `push_compiled` has dropped everything when it returns.
    unsafe {
        let source = check_bytes(l, 1);
        let name = if lua_type(l, 2) == LUA_TSTRING { check_bytes(l, 2) } else { b"=text" };
        if !push_compiled(l, source, name) {
            raise_top(l);
        }
    }
    1
}

/// Pushes the bundle; false with the text of what is wrong.
unsafe fn push_compiled(l: *mut lua_State, source: &[u8], name: &[u8]) -> bool {
    let compiled = compile(source, name);
    // SAFETY: a slot is free. Running out of memory right here would leak the bundle.
    unsafe {
        match &compiled {
            Ok(bundle) => push_bytes(l, bundle),
            Err(error) => push_bytes(l, error.to_string().as_bytes()),
        }
    }
    compiled.is_ok()
}

/// `dump(bytes)`: prints them in hex.
unsafe extern "C-unwind" fn dump(l: *mut lua_State) -> c_int {
    /// How many bytes stand in a line.
    const LINE: usize = 16;
    // SAFETY: Lua calls this; nothing is owned when `print` is called.
    unsafe {
        for line in check_bytes(l, 1).chunks(LINE) {
            let mut text = [0; 3 * LINE + 2];
            let len = write_line(line, &mut text);
            lua_getglobal(l, c"print".as_ptr());
            push_bytes(l, &text[..len]);
            lua_call(l, 1, 0);
        }
    }
    0
}

fn write_line(line: &[u8], text: &mut [u8]) -> usize {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut len = 0;
    for (index, byte) in line.iter().enumerate() {
        let digits = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)], b' '];
        text[len..len + 3].copy_from_slice(&digits);
        len += 3;
        if index == 7 {
            text[len..len + 2].copy_from_slice(b"- ");
            len += 2;
        }
    }
    len
}
