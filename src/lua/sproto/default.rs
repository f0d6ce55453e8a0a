//! `default(type)`: a table with the value that each field has when it is not there.

use std::ffi::c_int;

use mlua::ffi::{
    lua_State, lua_createtable, lua_pushboolean, lua_pushinteger, lua_pushnumber, lua_pushstring,
    lua_rawset, lua_setfield, lua_settop,
};

use super::handle::{push_type_metatable, type_at};
use crate::codec::sproto::{Index, Kind, Schema};
use crate::lua::bytes::push_bytes;

/// `default(type) -> table`.
pub(super) unsafe extern "C-unwind" fn default(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the handle stays on the stack.
    unsafe {
        lua_settop(l, 1);
        push_type_metatable(l);
        let handle = type_at(l, 1, 2);
        if handle.is_null() {
            return 0;
        }
        let schema: *const Schema = (*handle).schema();
        let owner = &(*schema).types()[(*handle).index()];
        lua_createtable(l, 0, owner.fields.len() as c_int);
        for field in &owner.fields {
            push_bytes(l, &field.name);
            push_value(l, &*schema, field.kind, field.index != Index::Single);
            lua_rawset(l, -3);
        }
    }
    1
}

/// Pushes the default of a kind; that of an array is in the field `__array` of a table.
unsafe fn push_value(l: *mut lua_State, schema: &Schema, kind: Kind, is_array: bool) {
    // SAFETY: as the caller's, with four free slots.
    unsafe {
        if is_array {
            lua_createtable(l, 0, 1);
        }
        match kind {
            Kind::Integer => lua_pushinteger(l, 0),
            Kind::Decimal(_) | Kind::Double => lua_pushnumber(l, 0.0),
            Kind::Boolean => lua_pushboolean(l, 0),
            Kind::String | Kind::Binary => {
                lua_pushstring(l, c"".as_ptr());
            }
            Kind::Struct(index) => push_struct(l, &schema.types()[index].name, is_array),
        }
        if is_array {
            lua_setfield(l, -2, c"__array".as_ptr());
        }
    }
}

unsafe fn push_struct(l: *mut lua_State, name: &[u8], is_element: bool) {
    // SAFETY: as the caller's, with two free slots.
    unsafe {
        if !is_element {
            lua_createtable(l, 0, 1);
        }
        push_bytes(l, name);
        if !is_element {
            lua_setfield(l, -2, c"__type".as_ptr());
        }
    }
}
