//! The first message of a Lua service: opens the libraries and runs the loader with the service's
//! name and arguments. Spec: runtime sections 9.3 to 9.5.

use std::ffi::{CStr, c_int};
use std::ptr;

use mlua::ffi::{
    self, LUA_GCGEN, LUA_GCRESTART, LUA_GCSTOP, LUA_OK, LUA_REGISTRYINDEX, LUA_TNUMBER, lua_State,
    lua_createtable, lua_gc, lua_getfield, lua_pop, lua_pushboolean, lua_pushcfunction,
    lua_pushlightuserdata, lua_pushlstring, lua_pushnil, lua_setfield, lua_setglobal, lua_settop,
    lua_tointegerx, lua_tolstring, lua_type, luaL_ref,
};

use super::codecache::{self, load_file};
use super::native::create_protocols;
use super::vm::{Callback, Vm, vm_of};
use super::{library, modules, profile, stdlib};
use crate::message::{Kind, Message, Payload, Session};

/// Where the traceback handler sits in the main thread.
const TRACEBACK: c_int = 1;

/// Handles the hidden first message, whose text is the service's name and arguments.
///
/// # Safety
/// Rule 1; the state is new.
pub(super) unsafe fn run(vm: *mut Vm) {
    // SAFETY: as the caller's; everything that raises does so inside of the protected call.
    unsafe {
        let main = (*vm).main;
        (*vm).callback = Callback::None;
        lua_pushcfunction(main, body);
        let status = ffi::lua_pcall(main, 0, 0, TRACEBACK);
        if status != LUA_OK {
            let text = lua_tolstring(main, -1, ptr::null_mut());
            let text = if text.is_null() { c"(no error message)" } else { CStr::from_ptr(text) };
            failed(vm, text);
        }
        lua_settop(main, TRACEBACK);
    }
}

/// Logs why the service did not come up, tells the launcher, and retires.
unsafe fn failed(vm: *mut Vm, text: &CStr) {
    // SAFETY: rule 1.
    unsafe {
        let context = &(*vm).context;
        let own = context.address();
        context.node().log(own, text.to_bytes());
        let error = Message {
            source: own,
            session: Session::NONE,
            kind: Kind::TEXT,
            payload: Payload::from("ERROR"),
        };
        // The launcher itself may be what fails.
        let _ = context.send_to_name(b".launcher", error);
        context.start_failed();
        (*vm).exited = true;
        context.exit();
    }
}

/// What runs in protected mode.
unsafe extern "C-unwind" fn body(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this in the main thread of a new state.
    unsafe {
        let vm = vm_of(l);
        lua_gc(l, LUA_GCSTOP);
        open_libraries(vm, l);
        lua_gc(l, LUA_GCGEN, 0, 0);
        lua_settop(l, 0);
        run_loader(vm, l);
        set_memory_limit(vm, l);
        lua_gc(l, LUA_GCRESTART);
        0
    }
}

unsafe fn open_libraries(vm: *mut Vm, l: *mut lua_State) {
    // SAFETY: rules 1 and 2.
    unsafe {
        lua_pushboolean(l, 1);
        lua_setfield(l, LUA_REGISTRYINDEX, c"LUA_NOENV".as_ptr());
        stdlib::open(l);
        lua_pushlightuserdata(l, vm.cast());
        lua_setfield(l, LUA_REGISTRYINDEX, c"skynet_context".as_ptr());
        make_tables(vm, l);
        profile::install(l);
        modules::install(l);
        lua_pushcfunction(l, codecache::loadfile);
        lua_setglobal(l, c"loadfile".as_ptr());
        lua_pushcfunction(l, codecache::dofile);
        lua_setglobal(l, c"dofile".as_ptr());
        set_search_paths(vm, l);
    }
}

/// Makes the tables that the runtime keeps in the registry.
unsafe fn make_tables(vm: *mut Vm, l: *mut lua_State) {
    // SAFETY: rules 1 and 2.
    unsafe {
        create_protocols(l, vm);
        lua_createtable(l, 4, 0);
        (*vm).refs.anchors = luaL_ref(l, LUA_REGISTRYINDEX);
        lua_createtable(l, 0, 0);
        (*vm).refs.sleeping = luaL_ref(l, LUA_REGISTRYINDEX);
    }
}

/// Sets the globals that the loader reads and clears.
unsafe fn set_search_paths(vm: *mut Vm, l: *mut lua_State) {
    // SAFETY: rules 1 and 2.
    unsafe {
        let defaults: [(&CStr, &str, &str, &str); 3] = [
            (c"LUA_PATH", "lua_path", "./lualib/?.lua;./lualib/?/init.lua", library::LUA_PATH),
            (c"LUA_CPATH", "lua_cpath", "./luaclib/?.so", ""),
            (c"LUA_SERVICE", "luaservice", "./service/?.lua", library::LUA_SERVICE),
        ];
        for (global, key, default, embedded) in defaults {
            push_setting(vm, l, key, default);
            lua_pushlstring(l, embedded.as_ptr().cast(), embedded.len());
            ffi::lua_concat(l, 2);
            lua_setglobal(l, global.as_ptr());
        }
        if (*vm).context.node().environment().get("preload").is_some() {
            push_setting(vm, l, "preload", "");
        } else {
            lua_pushnil(l);
        }
        lua_setglobal(l, c"LUA_PRELOAD".as_ptr());
    }
}

/// Pushes a setting or its default. Settings live as long as the node, so an error that jumps
/// over this frame leaks nothing but a count.
unsafe fn push_setting(vm: *mut Vm, l: *mut lua_State, key: &str, default: &str) {
    // SAFETY: rule 1; see above for rule 2.
    unsafe {
        let value = (*vm).context.node().environment().get(key);
        let bytes = value.as_deref().map_or(default.as_bytes(), CStr::to_bytes);
        lua_pushlstring(l, bytes.as_ptr().cast(), bytes.len());
    }
}

/// Runs the loader script with the first message's text.
unsafe fn run_loader(vm: *mut Vm, l: *mut lua_State) {
    // SAFETY: rules 1 and 2.
    unsafe {
        push_setting(vm, l, "lualoader", "./lualib/loader.lua");
        let mut len = 0;
        let name = lua_tolstring(l, -1, &mut len);
        let configured = std::slice::from_raw_parts(name.cast(), len);
        let is_default = configured == b"./lualib/loader.lua";
        let mut status = load_file(vm, l, configured);
        if status != LUA_OK && is_default {
            // An installed executable has no source tree beside it.
            lua_pop(l, 1);
            status = load_file(vm, l, library::LOADER.as_bytes());
        }
        if status != LUA_OK {
            let why = lua_tolstring(l, -1, ptr::null_mut());
            ffi::lua_pushfstring(l, c"Can't load %s : %s".as_ptr(), name, why);
            // Not through the handler: this text needs no traceback.
            fail_plainly(vm, l);
            return;
        }
        lua_pushlstring(l, (*vm).current.start.cast(), (*vm).current.len);
        let handler = 1;
        lua_pushcfunction(l, loader_error);
        ffi::lua_insert(l, handler);
        let status = ffi::lua_pcall(l, 1, 0, handler);
        if status != LUA_OK {
            fail_plainly(vm, l);
        }
    }
}

/// Fails with the text on top of the stack.
unsafe fn fail_plainly(vm: *mut Vm, l: *mut lua_State) {
    // SAFETY: rules 1 and 2: `failed` returns before anything here raises.
    unsafe {
        let text = lua_tolstring(l, -1, ptr::null_mut());
        failed(vm, if text.is_null() { c"" } else { CStr::from_ptr(text) });
    }
}

/// The handler of the loader's call: says who failed, and where.
unsafe extern "C-unwind" fn loader_error(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this with the error value.
    unsafe {
        super::service::traceback(l);
        let text = lua_tolstring(l, -1, ptr::null_mut());
        ffi::lua_pushfstring(l, c"lua loader error : %s".as_ptr(), text);
        1
    }
}

/// Applies the limit that the main chunk asked for.
unsafe fn set_memory_limit(vm: *mut Vm, l: *mut lua_State) {
    // SAFETY: rules 1 and 2.
    unsafe {
        lua_getfield(l, LUA_REGISTRYINDEX, c"memlimit".as_ptr());
        if lua_type(l, -1) == LUA_TNUMBER {
            let bytes = lua_tointegerx(l, -1, ptr::null_mut());
            (*vm).account.set_limit(usize::try_from(bytes).unwrap_or(usize::MAX));
            lua_pushnil(l);
            lua_setfield(l, LUA_REGISTRYINDEX, c"memlimit".as_ptr());
        }
        lua_settop(l, 0);
    }
}
