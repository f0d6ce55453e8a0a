//! The bindings in a real Lua state.

use std::ffi::{CStr, c_int};
use std::ptr;

use super::{l_pack, l_packstring, l_tostring, l_trash, l_unpack, unpack_owned};
use mlua::ffi::{self, lua_State};

mod hostile;
mod memory;
mod pairs;
mod paths;
mod values;
mod vectors;

/// Lua helpers of the tests: strict equality of value lists, with NaN equal to NaN.
const PRELUDE: &str = r#"
local function same(a, b)
    if type(a) ~= "table" or type(b) ~= "table" then
        return math.type(a) == math.type(b) and (a == b or a ~= a and b ~= b)
    end
    for k, v in next, a do
        if not same(v, b[k]) then return false end
    end
    for k in next, b do
        if a[k] == nil then return false end
    end
    return true
end
function check_same(a, b)
    assert(a.n == b.n, a.n .. " values, expected " .. b.n)
    for i = 1, a.n do
        assert(same(a[i], b[i]), "value " .. i .. " differs")
    end
end
function roundtrip(...)
    local text = skynet.packstring(...)
    check_same(table.pack(skynet.unpack(text)), table.pack(...))
    local block, size = skynet.pack(...)
    assert(size == #text and skynet.tostring(block, size) == text)
    check_same(table.pack(skynet.unpack(block, size)), table.pack(...))
    skynet.trash(block, size)
    return text
end
"#;

struct State(*mut lua_State);

impl State {
    fn new() -> State {
        // SAFETY: a fresh state, with enough free slots for each push.
        unsafe {
            let l = ffi::luaL_newstate();
            assert!(!l.is_null());
            ffi::luaL_openlibs(l);
            ffi::lua_createtable(l, 0, 0);
            set_function(l, c"pack", l_pack);
            set_function(l, c"packstring", l_packstring);
            set_function(l, c"unpack", l_unpack);
            set_function(l, c"trash", l_trash);
            set_function(l, c"tostring", l_tostring);
            ffi::lua_setglobal(l, c"skynet".as_ptr());
            ffi::lua_register(l, c"skynet_lightuserdata".as_ptr(), light_userdata);
            ffi::lua_register(l, c"take_over".as_ptr(), take_over);
            let state = State(l);
            state.run(PRELUDE).expect("the prelude is valid");
            state
        }
    }

    /// Runs a chunk named `in` and returns its first result, or its error, as text.
    fn run(&self, code: &str) -> Result<Vec<u8>, String> {
        self.run_with(code, &[])
    }

    /// As `run`; the chunk finds `bytes` in `...`.
    fn run_with(&self, code: &str, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let l = self.0;
        // SAFETY: the state is live; results are popped.
        unsafe {
            let (text, len) = (code.as_ptr().cast(), code.len());
            let loaded = ffi::luaL_loadbuffer(l, text, len, c"=in".as_ptr());
            assert_eq!(loaded, ffi::LUA_OK, "{}", self.pop_text());
            ffi::lua_pushlstring(l, bytes.as_ptr().cast(), bytes.len());
            match ffi::lua_pcall(l, 1, 1, 0) {
                ffi::LUA_OK => Ok(self.pop_bytes()),
                _ => Err(self.pop_text()),
            }
        }
    }

    fn pop_bytes(&self) -> Vec<u8> {
        // SAFETY: the state is live, and a value is on its stack.
        unsafe {
            let mut len = 0;
            let text = ffi::luaL_tolstring(self.0, -1, &mut len);
            let bytes = std::slice::from_raw_parts(text.cast::<u8>(), len).to_vec();
            ffi::lua_settop(self.0, -3);
            bytes
        }
    }

    /// As `pop_bytes`; an error table shows its code as the vectors write it.
    fn pop_text(&self) -> String {
        // SAFETY: the state is live, and a value is on its stack.
        unsafe {
            if ffi::lua_istable(self.0, -1) != 0 {
                ffi::lua_getfield(self.0, -1, c"code".as_ptr());
                let code = ffi::lua_tointeger(self.0, -1);
                ffi::lua_settop(self.0, -3);
                return format!("(table) code={code}");
            }
        }
        String::from_utf8(self.pop_bytes()).expect("texts are ASCII")
    }

    #[track_caller]
    fn check(&self, code: &str) {
        if let Err(error) = self.run(code) {
            panic!("{error}\nin: {code}");
        }
    }

    #[track_caller]
    fn check_error(&self, code: &str, expected: &str) {
        assert_eq!(self.run(code).expect_err(code), expected, "{code}");
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // SAFETY: the state is live and this is its only owner.
        unsafe { ffi::lua_close(self.0) }
    }
}

unsafe fn set_function(l: *mut lua_State, name: &CStr, function: ffi::lua_CFunction) {
    // SAFETY: a table is on the top of a live state.
    unsafe {
        ffi::lua_pushcfunction(l, function);
        ffi::lua_setfield(l, -2, name.as_ptr());
    }
}

unsafe extern "C-unwind" fn light_userdata(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls it with a live state.
    unsafe {
        let address = ffi::luaL_checkinteger(l, 1) as usize;
        ffi::lua_pushlightuserdata(l, ptr::without_provenance_mut(address));
    }
    1
}

/// `take_over(block, size)`: `unpack_owned`; gives whether the block was taken, then the values.
/// As the dispatcher does, it frees a block that was not taken.
unsafe extern "C-unwind" fn take_over(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls it with a live state and what `pack` returned.
    unsafe {
        let block = ffi::lua_touserdata(l, 1).cast();
        let len = ffi::lua_tointeger(l, 2) as usize;
        ffi::lua_settop(l, 0);
        let (count, taken) = unpack_owned(l, block, len);
        if !taken {
            libc::free(block.cast());
        }
        ffi::lua_pushboolean(l, taken as c_int);
        ffi::lua_rotate(l, 1, 1);
        count + 1
    }
}
