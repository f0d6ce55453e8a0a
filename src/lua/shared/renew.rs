//! Gives the views of a service another tree, as an update does.
//!
//! The caches of the views that were read are dropped, and the views go on below the new tree as far
//! as it has tables at their places; the others are gone for ever. That happens in one stretch, when
//! the service handles a message, so no code sees a mixture of two trees.

use std::ffi::c_int;
use std::sync::Arc;

use mlua::ffi::{
    self, LUA_TLIGHTUSERDATA, LUA_TTABLE, lua_State, lua_getfield, lua_getiuservalue,
    lua_getmetatable, lua_next, lua_pushinteger, lua_pushnil, lua_pushvalue, lua_rawgeti,
    lua_rawset, lua_rawsetp, lua_setfield, lua_settop, lua_touserdata, lua_type, luaL_checkstack,
};

use super::tree::Tree;
use super::values::key_at;
use super::view::{NODE, Root, hidden, kit, push_empty, push_root_of};

/// Gives the root view at index 1, whose root is `root`, another tree.
///
/// # Safety
/// Rules 1 and 2; the tree is that of a live userdata.
pub(super) unsafe fn switch(l: *mut lua_State, root: *mut Root, tree: *const Arc<Tree>) {
    // SAFETY: as the caller's; nothing raises between taking the old tree and dropping it.
    unsafe {
        let old = std::mem::replace(&mut (*root).tree, Arc::clone(&*tree));
        drop(old);
        let top = ffi::lua_gettop(l);
        if push_root_of(l, 1).is_null() || lua_getmetatable(l, 1) == 0 {
            return;
        }
        lua_getiuservalue(l, top + 1, 1);
        renew(l, root, top + 3, top + 2, 0);
        lua_settop(l, top);
    }
}

/// Lets the view with the metatable at `meta` show the table `node` of the new tree. The views
/// below it that have a table there go on; the others are gone.
unsafe fn renew(l: *mut lua_State, root: *mut Root, kit: c_int, meta: c_int, node: u32) {
    // SAFETY: rules 2 and 4; trees are not deeper than DEPTH_MAX, so neither are their views.
    unsafe {
        luaL_checkstack(l, 12, std::ptr::null());
        lua_pushinteger(l, node.into());
        lua_rawsetp(l, meta, hidden(&NODE));
        let top = ffi::lua_gettop(l);
        if lua_getfield(l, meta, c"__index".as_ptr()) != LUA_TTABLE {
            lua_settop(l, top);
            return;
        }
        let (old, new) = (top + 1, top + 2);
        push_empty(l, kit, meta);
        let mut kept = false;
        lua_pushnil(l);
        while lua_next(l, old) != 0 {
            if push_meta_below(l, old + 2) {
                match key_at(l, old + 2).and_then(|key| (*root).tree.table_at(node, key)) {
                    Some(below) => {
                        renew(l, root, kit, old + 4, below);
                        lua_pushvalue(l, old + 2);
                        lua_pushvalue(l, old + 3);
                        lua_rawset(l, new);
                        kept = true;
                    }
                    None => end(l, kit, old + 4),
                }
            }
            lua_settop(l, old + 2);
        }
        if kept {
            lua_settop(l, new);
        } else {
            lua_rawgeti(l, kit, kit::FIRST);
        }
        lua_setfield(l, meta, c"__index".as_ptr());
        lua_settop(l, top);
    }
}

/// Pushes the metatable of the view behind the key at `key`; false when there is no view.
unsafe fn push_meta_below(l: *mut lua_State, key: c_int) -> bool {
    // SAFETY: rules 2 and 4.
    unsafe {
        let is_own = lua_type(l, key) == LUA_TLIGHTUSERDATA
            && std::ptr::eq(lua_touserdata(l, key).cast_const(), hidden(&NODE));
        !is_own && lua_type(l, key + 1) == LUA_TTABLE && lua_getmetatable(l, key + 1) != 0
    }
}

/// Ends the view with the metatable at `meta` and those below it.
unsafe fn end(l: *mut lua_State, kit: c_int, meta: c_int) {
    // SAFETY: as `renew`.
    unsafe {
        luaL_checkstack(l, 12, std::ptr::null());
        let top = ffi::lua_gettop(l);
        let cache = top + 1;
        if lua_getfield(l, meta, c"__index".as_ptr()) == LUA_TTABLE {
            lua_pushnil(l);
            while lua_next(l, cache) != 0 {
                if push_meta_below(l, cache + 1) {
                    end(l, kit, cache + 3);
                }
                lua_settop(l, cache + 1);
            }
        }
        for field in [c"__index", c"__len", c"__pairs"] {
            lua_rawgeti(l, kit, kit::GONE);
            lua_setfield(l, meta, field.as_ptr());
        }
        lua_settop(l, top);
    }
}
