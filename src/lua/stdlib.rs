//! The standard libraries of a service. Those that a small service seldom touches (math, io, os,
//! utf8, debug) are empty tables until their first use, which fills them: a service saves a
//! quarter of its memory.
//!
//! What can be told from outside: `rawget` and `next` find nothing in such a library before its
//! first use, and it has a metatable until then. Indexing and `pairs` fill it.

use std::ffi::{CStr, c_int};

use mlua::ffi::{
    self, LUA_REGISTRYINDEX, lua_CFunction, lua_State, lua_call, lua_createtable, lua_getfield,
    lua_getglobal, lua_next, lua_pop, lua_pushcfunction, lua_pushnil, lua_pushvalue, lua_rawequal,
    lua_rawget, lua_rawset, lua_setfield, lua_setglobal, lua_setmetatable, lua_settop,
    luaL_requiref,
};

use super::native::set_functions;

/// Opened at once.
const EAGER: [(&CStr, lua_CFunction); 5] = [
    (c"_G", ffi::luaopen_base),
    (c"package", ffi::luaopen_package),
    (c"coroutine", ffi::luaopen_coroutine),
    (c"table", ffi::luaopen_table),
    (c"string", ffi::luaopen_string),
];

/// Opened at their first use.
const LAZY: [(&CStr, lua_CFunction); 5] = [
    (c"math", ffi::luaopen_math),
    (c"io", ffi::luaopen_io),
    (c"os", ffi::luaopen_os),
    (c"utf8", ffi::luaopen_utf8),
    (c"debug", ffi::luaopen_debug),
];

/// Keeps in the executable the one function of the C API that nothing else pulls in: C modules
/// may make states of their own and open the libraries there.
#[cfg(feature = "lua55")]
#[used]
static FOR_C_MODULES: unsafe extern "C-unwind" fn(*mut lua_State, c_int, c_int) =
    ffi::luaL_openselectedlibs;
/// As its twin for Lua 5.5.
#[cfg(not(feature = "lua55"))]
#[used]
static FOR_C_MODULES: unsafe extern "C-unwind" fn(*mut lua_State) = ffi::luaL_openlibs;

/// Opens the standard libraries.
///
/// # Safety
/// `l` runs in a new state.
pub(super) unsafe fn open(l: *mut lua_State) {
    // SAFETY: as the caller's; nothing is owned.
    unsafe {
        for (name, open) in EAGER {
            luaL_requiref(l, name.as_ptr(), open, 1);
            lua_pop(l, 1);
        }
        lua_getfield(l, LUA_REGISTRYINDEX, c"_LOADED".as_ptr());
        lua_createtable(l, 0, 2);
        set_functions(l, &[(c"__index", index), (c"__pairs", pairs)]);
        for (name, _) in LAZY {
            lua_createtable(l, 0, 0);
            lua_pushvalue(l, -2);
            lua_setmetatable(l, -2);
            lua_pushvalue(l, -1);
            lua_setglobal(l, name.as_ptr());
            lua_setfield(l, -3, name.as_ptr());
        }
        lua_pop(l, 2);
    }
}

/// `__index` of a library that is still empty.
unsafe extern "C-unwind" fn index(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this with the library and a key; nothing is owned.
    unsafe {
        fill(l);
        lua_settop(l, 2);
        lua_rawget(l, 1);
        1
    }
}

/// `__pairs` of a library that is still empty.
unsafe extern "C-unwind" fn pairs(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this with the library; nothing is owned.
    unsafe {
        fill(l);
        lua_getglobal(l, c"next".as_ptr());
        lua_pushvalue(l, 1);
        lua_pushnil(l);
        3
    }
}

/// Fills the library at stack index 1, which then is an ordinary table.
unsafe fn fill(l: *mut lua_State) {
    // SAFETY: rule 2 of `vm.rs`.
    unsafe {
        lua_pushnil(l);
        lua_setmetatable(l, 1);
        lua_getfield(l, LUA_REGISTRYINDEX, c"_LOADED".as_ptr());
        for (name, open) in LAZY {
            lua_getfield(l, -1, name.as_ptr());
            let found = lua_rawequal(l, -1, 1) != 0;
            lua_pop(l, 1);
            if found {
                copy_from(l, open);
                break;
            }
        }
        lua_pop(l, 1);
    }
}

/// Opens a library and copies its functions into the table at 1; what user code put there stays.
unsafe fn copy_from(l: *mut lua_State, open: lua_CFunction) {
    // SAFETY: rule 2 of `vm.rs`.
    unsafe {
        lua_pushcfunction(l, open);
        lua_call(l, 0, 1);
        lua_pushnil(l);
        while lua_next(l, -2) != 0 {
            lua_pushvalue(l, -2);
            if lua_rawget(l, 1) == ffi::LUA_TNIL {
                lua_pushvalue(l, -3);
                lua_pushvalue(l, -3);
                lua_rawset(l, 1);
            }
            lua_pop(l, 2);
        }
        lua_pop(l, 1);
    }
}
