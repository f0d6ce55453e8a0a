//! The Lua bindings read the same bytes as the codec, and write what they read in the same form.
#![no_main]

use std::ffi::c_int;

use ironsky::codec::seri::decode;
use ironsky::lua::seri::{l_packstring, l_unpack};
use libfuzzer_sys::fuzz_target;
use mlua::ffi::{self, lua_State};

/// A Lua state that is closed in any case.
struct State(*mut lua_State);

impl Drop for State {
    fn drop(&mut self) {
        // SAFETY: the state is live, and this is its only owner.
        unsafe { ffi::lua_close(self.0) }
    }
}

/// Calls `function` with all values of the stack; true unless it raised.
unsafe fn call(l: *mut lua_State, function: ffi::lua_CFunction) -> bool {
    // SAFETY: the state is live with a free slot; what is raised is caught here.
    unsafe {
        let arguments: c_int = ffi::lua_gettop(l);
        ffi::lua_pushcfunction(l, function);
        ffi::lua_rotate(l, 1, 1);
        ffi::lua_pcall(l, arguments, ffi::LUA_MULTRET, 0) == ffi::LUA_OK
    }
}

fuzz_target!(|bytes: &[u8]| {
    // SAFETY: a fresh state; its stack has room, and what is raised is caught in `call`.
    unsafe {
        let state = State(ffi::luaL_newstate());
        ffi::lua_pushlstring(state.0, bytes.as_ptr().cast(), bytes.len());
        if !call(state.0, l_unpack) {
            return;
        }
        let values = decode(bytes).expect("the codec reads what the bindings read");
        assert_eq!(ffi::lua_gettop(state.0) as usize, values.len());
        assert!(call(state.0, l_packstring), "what was read is within the limits of a writer");
        assert!(call(state.0, l_unpack), "what was written can be read");
    }
});
