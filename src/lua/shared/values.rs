//! Values on their way between a tree and the Lua stack. Used by views, sheets and copies.

use std::ffi::c_int;

use mlua::ffi::{
    self, LUA_TBOOLEAN, LUA_TLIGHTUSERDATA, LUA_TNUMBER, LUA_TSTRING, lua_State, lua_pushboolean,
    lua_pushinteger, lua_pushlstring, lua_pushnil, lua_toboolean, lua_tointegerx, lua_tolstring,
    lua_tonumberx, lua_touserdata, lua_type,
};

use super::tree::{Key, Tree, Value};

/// The key at `index` as a tree has it; none for a type that is no key there.
///
/// # Safety
/// Rule 1; a text lives as long as the value stays on the stack.
pub(super) unsafe fn key_at<'a>(l: *mut lua_State, index: c_int) -> Option<Key<'a>> {
    // SAFETY: only strings are read as such, so nothing is converted.
    unsafe {
        Some(match lua_type(l, index) {
            LUA_TSTRING => {
                let mut len = 0;
                let text = lua_tolstring(l, index, &mut len);
                Key::Text(std::slice::from_raw_parts(text.cast(), len))
            }
            LUA_TNUMBER => {
                let mut exact = 0;
                let integer = lua_tointegerx(l, index, &mut exact);
                if exact != 0 {
                    Key::Integer(integer)
                } else {
                    Key::Float(lua_tonumberx(l, index, std::ptr::null_mut()))
                }
            }
            LUA_TBOOLEAN => Key::Boolean(lua_toboolean(l, index) != 0),
            LUA_TLIGHTUSERDATA => Key::Pointer(lua_touserdata(l, index).addr()),
            _ => return None,
        })
    }
}

/// Pushes a value that is no table.
///
/// # Safety
/// Rules 1 and 2; the tree outlives the call.
pub(super) unsafe fn push_leaf(l: *mut lua_State, tree: &Tree, value: Value) {
    // SAFETY: Lua copies a text before anything else can run.
    unsafe {
        match value {
            Value::Nil | Value::Table(_) => lua_pushnil(l),
            Value::Boolean(boolean) => lua_pushboolean(l, boolean.into()),
            Value::Integer(integer) => lua_pushinteger(l, integer),
            Value::Float(float) => ffi::lua_pushnumber(l, float),
            Value::Text(span) => {
                let text = tree.bytes(span);
                lua_pushlstring(l, text.as_ptr().cast(), text.len());
            }
            Value::Pointer(pointer) => {
                ffi::lua_pushlightuserdata(l, std::ptr::with_exposed_provenance_mut(pointer));
            }
            Value::Native(function) => push_native(l, function),
            Value::Code(span) => {
                let code = tree.bytes(span);
                let (start, len) = (code.as_ptr().cast(), code.len());
                let name = c"=shared".as_ptr();
                if ffi::luaL_loadbufferx(l, start, len, name, c"b".as_ptr()) != ffi::LUA_OK {
                    ffi::lua_error(l);
                }
            }
        }
    }
}

unsafe fn push_native(l: *mut lua_State, function: usize) {
    // SAFETY: the builder got the address from Lua, as a C function of this process.
    unsafe {
        if function == 0 {
            lua_pushnil(l);
        } else {
            let function = std::mem::transmute::<usize, ffi::lua_CFunction>(function);
            ffi::lua_pushcfunction(l, function);
        }
    }
}
