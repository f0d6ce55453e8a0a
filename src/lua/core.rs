//! The module `skynet.core`: the raw functions below the library. Spec: runtime section 10.1.

use std::ffi::{CStr, c_int};
use std::ptr;

use mlua::ffi::{
    self, LUA_TFUNCTION, lua_Integer, lua_State, lua_createtable, lua_gettop, lua_isnil,
    lua_isnumber, lua_pushinteger, lua_pushlstring, lua_pushnumber, lua_pushvalue,
    lua_stringtonumber, lua_toboolean, luaL_checkinteger, luaL_checklstring, luaL_checktype,
    luaL_ref, luaL_unref,
};

use super::error::raise_top;
use super::native::{info, protocol, send as native_send, set_functions, trace};
use super::send::{destination, is_unknown, kind, payload, post};
use super::seri;
use super::vm::{Callback, vm_of};
use crate::message::{Address, Session};

/// Opens the module.
pub(super) unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        lua_createtable(l, 0, 16);
        set_functions(
            l,
            &[
                (c"send", send),
                (c"redirect", redirect),
                (c"genid", native_send::genid),
                (c"command", command),
                (c"intcommand", intcommand),
                (c"addresscommand", addresscommand),
                (c"error", info::error),
                (c"harbor", info::harbor),
                (c"callback", callback),
                (c"trace", trace::tracelog),
                (c"tostring", seri::l_tostring),
                (c"pack", protocol::pack),
                (c"unpack", protocol::unpack),
                (c"packstring", seri::l_packstring),
                (c"trash", seri::l_trash),
                (c"now", info::now),
                (c"hpc", info::hpc),
            ],
        );
        1
    }
}

/// `send(dest, type, session, msg [, sz])`.
unsafe extern "C-unwind" fn send(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let own = (*vm_of(l)).context.address();
        send_from(l, own, 2)
    }
}

/// `redirect(dest, source, type, session, msg [, sz])`.
unsafe extern "C-unwind" fn redirect(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let source = Address::new(luaL_checkinteger(l, 2) as u32);
        let own = (*vm_of(l)).context.address();
        send_from(l, if source == Address::NOBODY { own } else { source }, 3)
    }
}

/// Sends with type, session and message from `first` on.
unsafe fn send_from(l: *mut lua_State, source: Address, first: c_int) -> c_int {
    // SAFETY: rules 1 and 2: the block is given away at once.
    unsafe {
        let vm = vm_of(l);
        let to = destination(l, 1);
        let kind = kind(l, first);
        let given = lua_gettop(l) > first && lua_isnil(l, first + 1) != 0;
        let session = match given {
            true => 0,
            false => luaL_checkinteger(l, first + 1) as i32,
        };
        let parts = payload(l, first + 2);
        let session = match given && !is_unknown(vm, to) {
            true => (*vm).new_session(),
            false => session,
        };
        let outcome = post(vm, to, (source, kind, Session::new(session)), parts);
        if session < 0 {
            // A negative session travels, but is no result.
            return 0;
        }
        native_send::sent(l, outcome, session)
    }
}

/// Carries out the command at 1 with the parameter at `param` (0: none); pushes its text.
unsafe fn run(l: *mut lua_State, param: Option<&[u8]>) -> bool {
    // SAFETY: rule 1; the text is copied to the Lua stack by `push_and_drop`.
    unsafe {
        let mut len = 0;
        let name = luaL_checklstring(l, 1, &mut len);
        let name = std::slice::from_raw_parts(name.cast(), len);
        match (*vm_of(l)).context.command(name, param) {
            Some(text) => {
                // Commands' results are short; running out of memory here leaks one.
                lua_pushlstring(l, text.as_ptr().cast(), text.len());
                true
            }
            None => false,
        }
    }
}

/// Returns the string parameter at 2; it is looked at when exactly two arguments are there.
unsafe fn parameter<'a>(l: *mut lua_State) -> Option<&'a [u8]> {
    // SAFETY: the bytes stay on the stack.
    unsafe {
        (lua_gettop(l) == 2).then(|| {
            let mut len = 0;
            let text = luaL_checklstring(l, 2, &mut len);
            std::slice::from_raw_parts(text.cast(), len)
        })
    }
}

/// `command(cmd [, param])`.
unsafe extern "C-unwind" fn command(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe { run(l, parameter(l)).into() }
}

/// `addresscommand(cmd [, param])`: the result as a number.
unsafe extern "C-unwind" fn addresscommand(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        if !run(l, parameter(l)) {
            return 0;
        }
        let mut len = 0;
        let text = ffi::lua_tolstring(l, -1, &mut len);
        let text = std::slice::from_raw_parts(text.cast(), len);
        match std::str::from_utf8(text).ok().and_then(Address::parse) {
            Some(address) => {
                lua_pushinteger(l, address.bits().into());
                1
            }
            None => 0,
        }
    }
}

/// `intcommand(cmd [, param])`: a number as the parameter, the result as a number.
unsafe extern "C-unwind" fn intcommand(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the digits are on this frame.
    unsafe {
        let mut digits = [0u8; 12];
        let numeric = lua_gettop(l) == 2 && lua_isnumber(l, 2) != 0;
        let done = match numeric {
            true => {
                let number = luaL_checkinteger(l, 2) as i32;
                run(l, Some(decimal(number, &mut digits)))
            }
            false => run(l, parameter(l)),
        };
        if done { push_number(l) } else { 0 }
    }
}

fn decimal(number: i32, buffer: &mut [u8; 12]) -> &[u8] {
    let mut rest = &mut buffer[..];
    // Twelve bytes hold every i32.
    let _ = std::io::Write::write_fmt(&mut rest, format_args!("{number}"));
    let left = rest.len();
    &buffer[..12 - left]
}

/// Replaces the text on top by the number it says.
unsafe fn push_number(l: *mut lua_State) -> c_int {
    // SAFETY: rule 2; the text stays on the stack.
    unsafe {
        let mut len = 0;
        let text = ffi::lua_tolstring(l, -1, &mut len);
        if len == 0 {
            lua_pushinteger(l, 0);
            return 1;
        }
        let bytes = CStr::from_ptr(text).to_bytes();
        if let Some(octal) = octal(bytes) {
            lua_pushinteger(l, octal);
        } else if lua_stringtonumber(l, text) == 0 {
            ffi::lua_pushfstring(l, c"Invalid result %s".as_ptr(), text);
            raise_top(l);
        }
        if ffi::lua_isinteger(l, -1) == 0 {
            let number = ffi::lua_tonumberx(l, -1, ptr::null_mut());
            lua_pushnumber(l, number);
        }
        1
    }
}

/// Reads digits with a leading 0 as C does.
fn octal(text: &[u8]) -> Option<lua_Integer> {
    let digits = text.strip_prefix(b"0")?;
    let all = !digits.is_empty() && digits.iter().all(|digit| (b'0'..=b'7').contains(digit));
    all.then(|| digits.iter().fold(0, |n, digit| n * 8 + lua_Integer::from(digit - b'0')))
}

/// `callback(func [, forward])`.
unsafe extern "C-unwind" fn callback(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        let vm = vm_of(l);
        let forward = lua_toboolean(l, 2) != 0;
        luaL_checktype(l, 1, LUA_TFUNCTION);
        if (*vm).refs.callback != 0 {
            luaL_unref(l, ffi::LUA_REGISTRYINDEX, (*vm).refs.callback);
        }
        lua_pushvalue(l, 1);
        (*vm).refs.callback = luaL_ref(l, ffi::LUA_REGISTRYINDEX);
        (*vm).callback = Callback::Lua { forward };
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_zero_means_octal() {
        assert_eq!(octal(b"010"), Some(8));
        assert_eq!(octal(b"0"), None);
        assert_eq!(octal(b"09"), None);
        assert_eq!(octal(b"12"), None);
    }

    #[test]
    fn decimal_holds_every_number() {
        assert_eq!(decimal(i32::MIN, &mut [0; 12]), b"-2147483648");
        assert_eq!(decimal(7, &mut [0; 12]), b"7");
    }
}
