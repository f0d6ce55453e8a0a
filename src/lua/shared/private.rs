//! Runs a chunk that makes a table in a Lua state of its own: `sharetable.loadfile` and
//! `loadstring`.
//!
//! The state has Lua's own libraries and nothing of the node. It lives only for the call.

use std::ffi::{CStr, CString, c_int};
use std::ptr;

use mlua::ffi::{
    self, LUA_OK, LUA_TBOOLEAN, LUA_TLIGHTUSERDATA, LUA_TNIL, LUA_TNUMBER, LUA_TSTRING, LUA_TTABLE,
    lua_State, lua_close, lua_gettop, lua_pcall, lua_pushcfunction, lua_tolstring, lua_type,
    luaL_loadbufferx, luaL_loadfilex, luaL_newstate, luaL_openlibs,
};

use super::build::{Rules, build, type_name};
use super::tree::Tree;

/// A Lua state that ends with its scope.
struct Private(*mut lua_State);

impl Drop for Private {
    fn drop(&mut self) {
        // SAFETY: the state is this value's own, and nothing of it runs.
        unsafe { lua_close(self.0) };
    }
}

/// Where the arguments are handed over, and what they are.
struct Request<'a> {
    source: &'a [u8],
    from: *mut lua_State,
    first: c_int,
}

/// Runs `source` (a file when it begins with `@`) with the arguments that stand in `from` at
/// `first` and above, and builds the tree of the table that it returns.
///
/// # Safety
/// Rule 1 for `from`.
pub(super) unsafe fn run(
    source: &[u8],
    from: *mut lua_State,
    first: c_int,
) -> Result<Tree, String> {
    // SAFETY: the state is new; what may raise runs protected.
    unsafe {
        let state = luaL_newstate();
        if state.is_null() {
            return Err("not enough memory".to_owned());
        }
        let state = Private(state);
        let l = state.0;
        let mut request = Request { source, from, first };
        lua_pushcfunction(l, body);
        ffi::lua_pushlightuserdata(l, (&raw mut request).cast());
        if lua_pcall(l, 1, 1, 0) != LUA_OK {
            return Err(text_of(l));
        }
        if lua_type(l, -1) != LUA_TTABLE {
            return Err(format!("Not a table, it's a {}.", type_name(lua_type(l, -1))));
        }
        build(l, -1, Rules::Shared).map_err(|error| error.to_string())
    }
}

/// What runs in the new state: opens the libraries, loads, hands over, calls.
unsafe extern "C-unwind" fn body(l: *mut lua_State) -> c_int {
    // SAFETY: `run` calls this with its request, and nothing here owns anything.
    unsafe {
        let request = ffi::lua_touserdata(l, 1).cast::<Request<'_>>();
        luaL_openlibs(l);
        if load(l, &*request) != LUA_OK {
            ffi::lua_error(l);
        }
        let (from, first) = ((*request).from, (*request).first);
        let last = lua_gettop(from);
        ffi::luaL_checkstack(l, last, ptr::null());
        for index in first..=last {
            hand_over(from, index, l);
        }
        ffi::lua_call(l, (last - first + 1).max(0), 1);
        1
    }
}

unsafe fn load(l: *mut lua_State, request: &Request<'_>) -> c_int {
    // SAFETY: loading is protected; the name is dropped before anything can raise.
    unsafe {
        if let Some(file) = request.source.strip_prefix(b"@") {
            let status =
                CString::new(file).map(|file| luaL_loadfilex(l, file.as_ptr(), ptr::null()));
            return status.unwrap_or_else(|_| {
                ffi::lua_pushstring(l, c"a file name with a NUL".as_ptr());
                ffi::LUA_ERRSYNTAX
            });
        }
        let (start, len) = (request.source.as_ptr().cast(), request.source.len());
        let name = CString::new(request.source).unwrap_or_default();
        luaL_loadbufferx(l, start, len, name.as_ptr(), ptr::null())
    }
}

/// Copies a plain value from one state to another.
unsafe fn hand_over(from: *mut lua_State, index: c_int, to: *mut lua_State) {
    // SAFETY: strings are read in place, so only `to` can raise.
    unsafe {
        match lua_type(from, index) {
            LUA_TNIL => ffi::lua_pushnil(to),
            LUA_TBOOLEAN => ffi::lua_pushboolean(to, ffi::lua_toboolean(from, index)),
            LUA_TNUMBER if ffi::lua_isinteger(from, index) != 0 => {
                ffi::lua_pushinteger(to, ffi::lua_tointeger(from, index));
            }
            LUA_TNUMBER => ffi::lua_pushnumber(to, ffi::lua_tonumber(from, index)),
            LUA_TLIGHTUSERDATA => {
                ffi::lua_pushlightuserdata(to, ffi::lua_touserdata(from, index));
            }
            LUA_TSTRING => {
                let mut len = 0;
                let text = lua_tolstring(from, index, &mut len);
                ffi::lua_pushlstring(to, text, len);
            }
            kind => {
                let name = ffi::lua_typename(to, kind);
                ffi::luaL_error(to, c"an argument can't be a %s".as_ptr(), name);
            }
        }
    }
}

/// The error on top as a text.
unsafe fn text_of(l: *mut lua_State) -> String {
    // SAFETY: only strings are read.
    unsafe {
        if lua_type(l, -1) != LUA_TSTRING {
            return format!("error object is a {} value", type_name(lua_type(l, -1)));
        }
        CStr::from_ptr(lua_tolstring(l, -1, ptr::null_mut())).to_string_lossy().into_owned()
    }
}
