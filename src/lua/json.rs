//! The module `skynet.json`: reads JSON. Used by discovery (`skynet.cluster.discovery.etcd_api`);
//! the writer is the console's (`skynet.console.render`).

use std::ffi::c_int;

use mlua::ffi::{
    lua_State, lua_createtable, lua_pushboolean, lua_pushinteger, lua_pushnil, lua_pushnumber,
    lua_rawset, lua_rawseti, luaL_checkstack,
};
use serde_json::Value;

use super::bytes::{check_bytes, push_bytes};
use super::native::set_functions;

/// Opens the module.
pub(super) unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        lua_createtable(l, 0, 1);
        set_functions(l, &[(c"decode", decode)]);
        1
    }
}

/// `decode(text) -> value`. null becomes nil, and a member that is null is not there. For what is
/// no JSON, and for what is nested more than 127 times: nil and what is wrong.
unsafe extern "C-unwind" fn decode(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this. Running out of memory while the value is pushed would leak it.
    unsafe {
        match serde_json::from_slice(check_bytes(l, 1)) {
            Ok(value) => {
                push(l, &value);
                1
            }
            Err(error) => {
                lua_pushnil(l);
                push_bytes(l, format!("no JSON: {error}").as_bytes());
                2
            }
        }
    }
}

/// Pushes a value. The parser's limit of nesting bounds the depth.
unsafe fn push(l: *mut lua_State, value: &Value) {
    // SAFETY: as the caller's; a level of nesting has a table, a key and a value on the stack.
    unsafe {
        luaL_checkstack(l, 3, c"JSON".as_ptr());
        match value {
            Value::Null => lua_pushnil(l),
            Value::Bool(is_true) => lua_pushboolean(l, c_int::from(*is_true)),
            Value::Number(number) => match number.as_i64() {
                Some(integer) => lua_pushinteger(l, integer),
                None => lua_pushnumber(l, number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => push_bytes(l, text.as_bytes()),
            Value::Array(values) => {
                lua_createtable(l, values.len() as c_int, 0);
                for (index, value) in (1..).zip(values) {
                    push(l, value);
                    lua_rawseti(l, -2, index);
                }
            }
            Value::Object(members) => {
                lua_createtable(l, 0, members.len() as c_int);
                for (name, value) in members {
                    push_bytes(l, name.as_bytes());
                    push(l, value);
                    lua_rawset(l, -3);
                }
            }
        }
    }
}
