//! Schemas and types as Lua sees them: userdata that hold the schema, so no order of collection
//! and no call of `deleteproto` can take it away from a type that is still used.
//!
//! The user value of both is one table, the *names*: the names of fields as Lua strings, by their
//! number in the schema, filled in as they are needed. Making a string anew for each field of each
//! message would take its hash every time.

use std::ffi::{CStr, c_char, c_int};
use std::ptr;
use std::sync::Arc;

use mlua::ffi::{
    LUA_REGISTRYINDEX, LUA_TNUMBER, LUA_TTABLE, LUA_TUSERDATA, lua_State, lua_createtable,
    lua_getiuservalue, lua_getmetatable, lua_isnil, lua_newuserdatauv, lua_pop, lua_pushcfunction,
    lua_pushinteger, lua_pushvalue, lua_rawequal, lua_rawgetp, lua_rawsetp, lua_setfield,
    lua_setiuservalue, lua_setmetatable, lua_tointegerx, lua_touserdata, lua_type, luaL_argerror,
};

use super::push_no_type;
use crate::codec::sproto::{Protocol, Schema, Type};
use crate::lua::bytes::{check_bytes, push_bytes};

/// The addresses of these are the registry keys of the metatables.
static SCHEMA_KEY: u8 = 0;
static TYPE_KEY: u8 = 1;

/// A schema in Lua; `None` after `deleteproto`.
struct SchemaHandle(Option<Arc<Schema>>);

/// A type in Lua.
pub(super) struct TypeHandle {
    schema: Arc<Schema>,
    index: usize,
}

impl TypeHandle {
    pub(super) fn schema(&self) -> &Schema {
        &self.schema
    }

    pub(super) fn index(&self) -> usize {
        self.index
    }

    pub(super) fn type_of(&self) -> &Type {
        &self.schema.types()[self.index]
    }
}

/// Pushes a metatable that drops a `T`, made at the first time.
unsafe fn push_metatable<T>(l: *mut lua_State, key: *const u8, name: &CStr) {
    // SAFETY: three slots are free; nothing is owned.
    unsafe {
        if lua_rawgetp(l, LUA_REGISTRYINDEX, key.cast()) == LUA_TTABLE {
            return;
        }
        lua_pop(l, 1);
        lua_createtable(l, 0, 2);
        lua_pushcfunction(l, collect::<T>);
        lua_setfield(l, -2, c"__gc".as_ptr());
        mlua::ffi::lua_pushstring(l, name.as_ptr());
        lua_setfield(l, -2, c"__name".as_ptr());
        lua_pushvalue(l, -1);
        lua_rawsetp(l, LUA_REGISTRYINDEX, key.cast());
    }
}

/// `__gc` of a userdata that holds a `T`.
unsafe extern "C-unwind" fn collect<T>(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this once for each userdata that has the metatable; it gets no other one,
    // because Lua code cannot reach the metatable of a userdata.
    unsafe { ptr::drop_in_place(lua_touserdata(l, 1).cast::<T>()) };
    0
}

unsafe fn push_schema_metatable(l: *mut lua_State) {
    // SAFETY: as the callers'.
    unsafe { push_metatable::<SchemaHandle>(l, &raw const SCHEMA_KEY, c"sproto") }
}

pub(super) unsafe fn push_type_metatable(l: *mut lua_State) {
    // SAFETY: as the callers'.
    unsafe { push_metatable::<TypeHandle>(l, &raw const TYPE_KEY, c"sproto type") }
}

/// Pushes the handle of a schema that `make` gives, or nothing when it gives none. `make` does not
/// call Lua.
pub(super) unsafe fn push_schema(
    l: *mut lua_State,
    make: impl FnOnce() -> Option<Arc<Schema>>,
) -> c_int {
    // SAFETY: four slots are free. The place is prepared before there is something to own, and from
    // then on nothing can raise: a metatable of its own needs no memory for a live userdata but
    // the entry in the list of finalizers, which is in the object.
    unsafe {
        push_schema_metatable(l);
        let place = lua_newuserdatauv(l, size_of::<SchemaHandle>(), 1).cast::<SchemaHandle>();
        place.write(SchemaHandle(None));
        lua_createtable(l, 0, 0);
        lua_setiuservalue(l, -2, 1);
        lua_pushvalue(l, -2);
        lua_setmetatable(l, -2);
        (*place).0 = make();
        c_int::from((*place).0.is_some())
    }
}

/// Pushes the handle of a type of the schema whose handle is at `at`.
unsafe fn push_type(l: *mut lua_State, at: c_int, schema: *const Arc<Schema>, index: usize) {
    // SAFETY: four slots are free; the schema's handle stays on the stack. What can raise is done
    // before the handle is written.
    unsafe {
        push_type_metatable(l);
        let place = lua_newuserdatauv(l, size_of::<TypeHandle>(), 1).cast::<TypeHandle>();
        lua_getiuservalue(l, at, 1);
        lua_setiuservalue(l, -2, 1);
        place.write(TypeHandle { schema: Arc::clone(&*schema), index });
        lua_pushvalue(l, -2);
        lua_setmetatable(l, -2);
        mlua::ffi::lua_remove(l, -2);
    }
}

/// Returns the schema whose handle is at `at`; null when something else is there.
pub(super) unsafe fn schema_at(l: *mut lua_State, at: c_int) -> *const Arc<Schema> {
    // SAFETY: two slots are free; the metatable says what the userdata holds.
    unsafe {
        if lua_type(l, at) != LUA_TUSERDATA || lua_getmetatable(l, at) == 0 {
            return ptr::null();
        }
        push_schema_metatable(l);
        let is_schema = lua_rawequal(l, -1, -2) != 0;
        lua_pop(l, 2);
        let handle = lua_touserdata(l, at).cast::<SchemaHandle>();
        match is_schema {
            true => (*handle).0.as_ref().map_or(ptr::null(), ptr::from_ref),
            false => ptr::null(),
        }
    }
}

/// As [`schema_at`] for the first argument; raises when it is no schema.
pub(super) unsafe fn check_schema(l: *mut lua_State) -> *const Arc<Schema> {
    // SAFETY: as the callers'; nothing is owned.
    unsafe {
        let schema = schema_at(l, 1);
        if schema.is_null() {
            luaL_argerror(l, 1, c"Need a sproto object".as_ptr());
        }
        schema
    }
}

/// Returns the type whose handle is at `at`; null when something else is there. The metatable of
/// types is the value at `metatable`.
#[inline]
pub(super) unsafe fn type_at(l: *mut lua_State, at: c_int, metatable: c_int) -> *const TypeHandle {
    // SAFETY: two slots are free; the metatable says what the userdata holds.
    unsafe {
        if lua_type(l, at) != LUA_TUSERDATA || lua_getmetatable(l, at) == 0 {
            return ptr::null();
        }
        let is_type = lua_rawequal(l, -1, metatable) != 0;
        lua_pop(l, 1);
        if is_type { lua_touserdata(l, at).cast() } else { ptr::null() }
    }
}

/// `newproto(bundle) -> schema`: nothing for a malformed bundle.
pub(super) unsafe extern "C-unwind" fn new_proto(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the bundle stays on the stack.
    unsafe {
        let bundle = check_bytes(l, 1);
        push_schema(l, || Schema::load(bundle).map(Arc::new))
    }
}

/// `deleteproto(schema)`: the handle is of no use from now on.
pub(super) unsafe extern "C-unwind" fn delete_proto(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; `check_schema` has seen that the userdata is a `SchemaHandle`.
    unsafe {
        check_schema(l);
        (*lua_touserdata(l, 1).cast::<SchemaHandle>()).0 = None;
    }
    0
}

/// `querytype(schema, name) -> type`: nothing when there is none.
pub(super) unsafe extern "C-unwind" fn query_type(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the handle stays on the stack.
    unsafe {
        let schema = check_schema(l);
        match (*schema).type_by_name(check_bytes(l, 2)) {
            Some(index) => push_type(l, 1, schema, index),
            None => return 0,
        }
    }
    1
}

/// `protocol(schema, name or tag) -> tag or name, request, response`.
pub(super) unsafe extern "C-unwind" fn protocol(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the handle stays on the stack.
    unsafe {
        let schema = check_schema(l);
        let Some(protocol) = push_other_name(l, &*schema) else { return 0 };
        match protocol.request {
            Some(index) => push_type(l, 1, schema, index),
            None => mlua::ffi::lua_pushnil(l),
        }
        match protocol.response {
            Some(index) => push_type(l, 1, schema, index),
            None if protocol.confirm => push_no_type(l),
            None => mlua::ffi::lua_pushnil(l),
        }
    }
    3
}

/// Finds a protocol by the second argument, and pushes its tag for a name, its name for a tag.
unsafe fn push_other_name(l: *mut lua_State, schema: &Schema) -> Option<&Protocol> {
    // SAFETY: as the caller's; nothing is owned.
    unsafe {
        if lua_type(l, 2) == LUA_TNUMBER {
            let tag = lua_tointegerx(l, 2, ptr::null_mut());
            let protocol = schema.protocol_by_tag(u16::try_from(tag).ok()?)?;
            push_bytes(l, &protocol.name);
            return Some(protocol);
        }
        let protocol = schema.protocol_by_name(check_bytes(l, 2))?;
        lua_pushinteger(l, protocol.tag.into());
        Some(protocol)
    }
}

/// `dumpproto(schema)`: prints its types and protocols.
pub(super) unsafe extern "C-unwind" fn dump_proto(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the handle stays on the stack. The lines are pushed and printed one
    // by one by Lua's own `print`.
    unsafe {
        let schema = &**check_schema(l);
        for one in schema.types() {
            print_line(l, c"type", &one.name, one.fields.len());
            for field in &one.fields {
                print_line(l, c"\tfield", &field.name, field.tag.into());
            }
        }
        for protocol in schema.protocols() {
            print_line(l, c"protocol", &protocol.name, protocol.tag.into());
        }
    }
    0
}

unsafe fn print_line(l: *mut lua_State, what: &CStr, name: &[u8], number: usize) {
    // SAFETY: as the caller's; nothing is owned.
    unsafe {
        mlua::ffi::lua_getglobal(l, c"print".as_ptr());
        mlua::ffi::lua_pushstring(l, what.as_ptr());
        push_bytes(l, name);
        lua_pushinteger(l, number as i64);
        mlua::ffi::lua_call(l, 3, 0);
    }
}

/// Pushes the name of a field from the table of names at `names`.
#[inline]
pub(super) unsafe fn push_name(l: *mut lua_State, names: c_int, key: u32, name: &[u8]) {
    // SAFETY: two slots are free; nothing is owned.
    unsafe {
        mlua::ffi::lua_rawgeti(l, names, key.into());
        if lua_isnil(l, -1) != 0 {
            lua_pop(l, 1);
            mlua::ffi::lua_pushlstring(l, name.as_ptr().cast::<c_char>(), name.len());
            lua_pushvalue(l, -1);
            mlua::ffi::lua_rawseti(l, names, key.into());
        }
    }
}
