//! The module `sproto.core`: schemas, messages and packing. Spec: wire part B.
//!
//! `lualib/sproto.lua` builds the module `sproto` on it.
//!
//! | file | what |
//! |---|---|
//! | `handle.rs` | schemas and types as Lua sees them |
//! | `slots.rs` | the schemas that all services of the process share |
//! | `encode.rs`, `decode.rs` | tables to messages and back |
//! | `walk.rs` | the short way from tables to messages |
//! | `packing.rs` | 0-packing |
//! | `parser.rs` | the module `sprotoparser` |
//!
//! Rules of this folder, beside those of `vm.rs`: what needs dropping lives in a userdata with a
//! `__gc`, which is on the Lua stack while it is used; so everything here may raise.

mod decode;
mod default;
mod encode;
mod handle;
mod packing;
mod parser;
mod slots;
#[cfg(test)]
mod tests;
mod walk;

use std::ffi::{CStr, c_int};

use mlua::ffi::{
    lua_CFunction, lua_State, lua_createtable, lua_pushcclosure, lua_pushlightuserdata,
    lua_setfield,
};

use super::native::set_functions;
pub(super) use parser::open as open_parser;
pub(super) use slots::Slots;

/// Opens the module.
pub(super) unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; nothing is owned.
    unsafe {
        lua_createtable(l, 0, 13);
        set_functions(
            l,
            &[
                (c"newproto", handle::new_proto),
                (c"deleteproto", handle::delete_proto),
                (c"dumpproto", handle::dump_proto),
                (c"querytype", handle::query_type),
                (c"protocol", handle::protocol),
                (c"loadproto", slots::load_proto),
                (c"saveproto", slots::save_proto),
                (c"default", default::default),
                (c"pack", packing::pack),
                (c"unpack", packing::unpack),
            ],
        );
        let closures: [(&CStr, lua_CFunction); 4] = [
            (c"encode", encode::encode),
            (c"decode", decode::decode),
            (c"message", encode::message),
            (c"decode_behind", decode::decode_behind),
        ];
        for (name, function) in closures {
            encode::push_buffer(l);
            handle::push_type_metatable(l);
            lua_pushcclosure(l, function, 2);
            lua_setfield(l, -2, name.as_ptr());
        }
        1
    }
}

/// Pushes the handle of no type: a response without content.
unsafe fn push_no_type(l: *mut lua_State) {
    // SAFETY: a slot is free.
    unsafe { lua_pushlightuserdata(l, std::ptr::null_mut()) }
}
