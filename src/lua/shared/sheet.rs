//! The tables of `skynet.datasheet`: plain tables of the service, which fill themselves from a
//! tree at the first touch.
//!
//! Each has a metatable of its own, which knows the table's number in the tree (`NODE`) and the
//! tables below by their keys (`BELOW`). While a table is empty the metatable has functions that
//! fill it; then it has none until [`switch`] empties the tables again for another tree.

use std::ffi::{c_int, c_void};
use std::sync::Arc;

use mlua::ffi::{
    self, LUA_TTABLE, lua_State, lua_createtable, lua_getiuservalue, lua_getmetatable, lua_gettop,
    lua_next, lua_pushcclosure, lua_pushinteger, lua_pushnil, lua_pushvalue, lua_rawget,
    lua_rawgeti, lua_rawgetp, lua_rawset, lua_rawseti, lua_rawsetp, lua_setfield,
    lua_setiuservalue, lua_setmetatable, lua_settop, lua_tointegerx, lua_upvalueindex,
    luaL_checkstack,
};

use super::tree::{Tree, Value};
use super::values::{key_at, push_leaf};
use super::view::{Kind, Root, own_root, push_bare_root, push_root_of, set_root_key};
use crate::lua::error::raise_top;

static NODE: u8 = 0;
static BELOW: u8 = 1;

fn hidden(key: &'static u8) -> *const c_void {
    (&raw const *key).cast()
}

/// Places in the user value of a root.
mod kit {
    pub(super) const INDEX: i64 = 1;
    pub(super) const LEN: i64 = 2;
    pub(super) const PAIRS: i64 = 3;
    pub(super) const GONE: i64 = 4;
    pub(super) const NEXT: i64 = 5;
}

/// Pushes the table that shows the root of a tree.
///
/// # Safety
/// Rules 1 and 2; the tree is that of a live userdata.
pub(super) unsafe fn push_root(l: *mut lua_State, tree: *const Arc<Tree>) {
    // SAFETY: as the caller's.
    unsafe {
        push_bare_root(l, tree, Kind::Sheet);
        let root = lua_gettop(l);
        lua_createtable(l, 5, 0);
        let functions: [(i64, ffi::lua_CFunction); 4] =
            [(kit::INDEX, index), (kit::LEN, len), (kit::PAIRS, pairs), (kit::GONE, gone)];
        for (place, function) in functions {
            lua_pushvalue(l, root);
            lua_pushcclosure(l, function, 1);
            lua_rawseti(l, -2, place);
        }
        ffi::lua_getglobal(l, c"next".as_ptr());
        lua_rawseti(l, -2, kit::NEXT);
        lua_pushvalue(l, -1);
        lua_setiuservalue(l, root, 1);
        push_table(l, root + 1, 0);
        lua_getmetatable(l, -1);
        set_root_key(l, -1, root);
        lua_settop(l, root + 2);
        ffi::lua_replace(l, root);
        lua_settop(l, root);
    }
}

/// Pushes an empty table that shows `node` when it is touched.
unsafe fn push_table(l: *mut lua_State, kit: c_int, node: u32) {
    // SAFETY: rules 2 and 4.
    unsafe {
        lua_createtable(l, 0, 0);
        lua_createtable(l, 0, 6);
        lua_pushinteger(l, node.into());
        lua_rawsetp(l, -2, hidden(&NODE));
        arm(l, kit, lua_gettop(l));
        lua_setmetatable(l, -2);
    }
}

/// Lets the table with the metatable at `meta` fill itself at the next touch.
unsafe fn arm(l: *mut lua_State, kit: c_int, meta: c_int) {
    // SAFETY: rules 2 and 4.
    unsafe {
        for (place, field) in
            [(kit::INDEX, c"__index"), (kit::LEN, c"__len"), (kit::PAIRS, c"__pairs")]
        {
            lua_rawgeti(l, kit, place);
            lua_setfield(l, meta, field.as_ptr());
        }
    }
}

unsafe fn node_of(l: *mut lua_State, meta: c_int) -> u32 {
    // SAFETY: rule 4; nothing raises.
    unsafe {
        lua_rawgetp(l, meta, hidden(&NODE));
        let node = lua_tointegerx(l, -1, std::ptr::null_mut());
        ffi::lua_pop(l, 1);
        u32::try_from(node).unwrap_or(u32::MAX)
    }
}

/// Fills the table at index 1 of a function of the kit; false when it is none of ours.
unsafe fn fill(l: *mut lua_State) -> bool {
    // SAFETY: rules 2 and 4; the tree is asked anew for each value.
    unsafe {
        let root = own_root(l);
        lua_settop(l, 2);
        if lua_getmetatable(l, 1) == 0 {
            return false;
        }
        lua_getiuservalue(l, lua_upvalueindex(1), 1);
        let (meta, node) = (3, node_of(l, 3));
        for field in [c"__index", c"__len", c"__pairs"] {
            lua_pushnil(l);
            lua_setfield(l, meta, field.as_ptr());
        }
        lua_rawgetp(l, meta, hidden(&BELOW));
        for at in 0.. {
            let Some(value) = (*root).tree.items(node).get(at).copied() else { break };
            lua_pushinteger(l, at as i64 + 1);
            set(l, root, value);
        }
        for at in 0.. {
            let pair = (*root).tree.pairs(node).get(at).copied();
            let Some((key, value)) = pair else { break };
            push_leaf(l, &(*root).tree, key);
            set(l, root, value);
        }
        true
    }
}

/// Sets the key on top to a value, in the table at 1 with its metatable (3), the kit (4) and the
/// tables below (5). Pops the key.
unsafe fn set(l: *mut lua_State, root: *mut Root, value: Value) {
    // SAFETY: rules 2 and 4.
    unsafe {
        let Value::Table(node) = value else {
            push_leaf(l, &(*root).tree, value);
            lua_rawset(l, 1);
            return;
        };
        let (meta, kit, below, key) = (3, 4, 5, 6);
        if ffi::lua_type(l, below) != LUA_TTABLE {
            lua_createtable(l, 0, 1);
            lua_pushvalue(l, -1);
            lua_rawsetp(l, meta, hidden(&BELOW));
            ffi::lua_replace(l, below);
        }
        lua_pushvalue(l, key);
        if lua_rawget(l, below) != LUA_TTABLE {
            ffi::lua_pop(l, 1);
            push_table(l, kit, node);
            lua_pushvalue(l, key);
            lua_pushvalue(l, -2);
            lua_rawset(l, below);
        }
        lua_rawset(l, 1);
    }
}

/// `__index` of an empty table.
unsafe extern "C-unwind" fn index(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        if !fill(l) {
            return 0;
        }
        lua_pushvalue(l, 2);
        lua_rawget(l, 1);
        1
    }
}

/// `__len` of an empty table.
unsafe extern "C-unwind" fn len(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        if !fill(l) {
            return 0;
        }
        lua_pushinteger(l, ffi::lua_rawlen(l, 1) as i64);
        1
    }
}

/// `__pairs` of an empty table.
unsafe extern "C-unwind" fn pairs(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        if !fill(l) {
            return 0;
        }
        lua_rawgeti(l, 4, kit::NEXT);
        lua_pushvalue(l, 1);
        lua_pushnil(l);
        3
    }
}

/// Every access to a table that an update removed.
unsafe extern "C-unwind" fn gone(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        lua_settop(l, 1);
        let node = if lua_getmetatable(l, 1) == 0 { 0 } else { node_of(l, 2) };
        ffi::lua_pushfstring(l, c"Invalid proxy (index = %d)".as_ptr(), node as c_int);
        raise_top(l)
    }
}

/// Shows another tree in the tables whose root is at index 1.
///
/// # Safety
/// Rules 1 and 2; `root` is its root, the tree that of a live userdata.
pub(super) unsafe fn switch(l: *mut lua_State, root: *mut Root, tree: *const Arc<Tree>) {
    // SAFETY: as the caller's.
    unsafe {
        let old = std::mem::replace(&mut (*root).tree, Arc::clone(&*tree));
        drop(old);
        let top = lua_gettop(l);
        if push_root_of(l, 1).is_null() {
            return;
        }
        lua_getiuservalue(l, top + 1, 1);
        lua_pushvalue(l, 1);
        renew(l, root, top + 2, Some(0));
        lua_settop(l, top);
    }
}

/// Empties the table on top and lets it show a table of the new tree, or none.
unsafe fn renew(l: *mut lua_State, root: *mut Root, kit: c_int, node: Option<u32>) {
    // SAFETY: rules 2 and 4; trees are not deeper than DEPTH_MAX, so neither are these tables.
    unsafe {
        luaL_checkstack(l, 12, std::ptr::null());
        let table = lua_gettop(l);
        empty(l, table);
        if lua_getmetatable(l, table) == 0 {
            return;
        }
        let (meta, below) = (table + 1, table + 2);
        arm(l, kit, meta);
        match node {
            Some(node) => {
                lua_pushinteger(l, node.into());
                lua_rawsetp(l, meta, hidden(&NODE));
            }
            None => disarm(l, kit, meta),
        }
        if lua_rawgetp(l, meta, hidden(&BELOW)) == LUA_TTABLE {
            lua_pushnil(l);
            while lua_next(l, below) != 0 {
                let key = below + 1;
                let place = node.and_then(|node| {
                    key_at(l, key).and_then(|key| (*root).tree.table_at(node, key))
                });
                renew(l, root, kit, place);
                lua_settop(l, key);
                if place.is_none() {
                    lua_pushvalue(l, key);
                    lua_pushnil(l);
                    lua_rawset(l, below);
                }
            }
        }
        lua_settop(l, table);
    }
}

/// Lets every access to the table with the metatable at `meta` raise.
unsafe fn disarm(l: *mut lua_State, kit: c_int, meta: c_int) {
    // SAFETY: rules 2 and 4.
    unsafe {
        for field in [c"__index", c"__len", c"__pairs"] {
            lua_rawgeti(l, kit, kit::GONE);
            lua_setfield(l, meta, field.as_ptr());
        }
    }
}

/// Takes all fields out of a table.
unsafe fn empty(l: *mut lua_State, table: c_int) {
    // SAFETY: fields may be cleared while a table is walked.
    unsafe {
        lua_pushnil(l);
        while lua_next(l, table) != 0 {
            lua_settop(l, table + 1);
            lua_pushvalue(l, table + 1);
            lua_pushnil(l);
            lua_rawset(l, table);
        }
    }
}
