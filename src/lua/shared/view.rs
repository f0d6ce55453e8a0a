//! Views: the tables through which a service reads a tree.
//!
//! A view is an empty Lua table. What was read once lies in its *cache*, a plain table of the
//! service that is the `__index` of the view's metatable: so from the second time on Lua finds a
//! field by itself, without a call, and a write still meets `__newindex`.
//!
//! The metatable of each view (it alone has it) tells where the view stands:
//!
//! | field | what |
//! |---|---|
//! | `__index` | the function [`first`], later the cache, at last [`gone`] |
//! | `NODE` | the number of the table in the tree |
//! | `PARENT`, `KEY` | the metatable of the view above, and the key there; for error texts |
//!
//! The metatable of a root view has the userdata [`Root`] as its `KEY`: it holds the tree, and all
//! functions of the views have it as an upvalue.
//!
//! A cache is *full*, or it has a metatable whose `__index` looks into the tree and a field `NODE`
//! with the metatable of its view. A small table is read at once, a large one key by key, or when
//! somebody iterates. Only full caches are ever iterated.
//!
//! An update gives a root another tree: `renew.rs`.

use std::ffi::{CStr, c_int, c_void};
use std::sync::Arc;

use mlua::ffi::{
    self, LUA_TNIL, LUA_TNUMBER, LUA_TSTRING, LUA_TTABLE, lua_State, lua_createtable, lua_getfield,
    lua_getiuservalue, lua_getmetatable, lua_newuserdatauv, lua_pop, lua_pushboolean,
    lua_pushcclosure, lua_pushinteger, lua_pushlstring, lua_pushnil, lua_pushstring, lua_pushvalue,
    lua_rawget, lua_rawgeti, lua_rawgetp, lua_rawset, lua_rawseti, lua_rawsetp, lua_setfield,
    lua_setiuservalue, lua_setmetatable, lua_settop, lua_tointegerx, lua_touserdata, lua_type,
    lua_upvalueindex, luaL_checkstack, luaL_newmetatable, luaL_testudata,
};

use super::build::type_name;
use super::tree::{Tree, Value};
use super::values::{key_at, push_leaf};
use crate::lua::error::{raise, raise_top};

/// The class of [`Root`].
const ROOT: &CStr = c"ironsky.shared.root";

/// From that many fields on, a table is read key by key.
const SMALL: usize = 16;

/// Whose views they are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `skynet.sharedata`.
    Data,
    /// `skynet.sharetable`.
    Table,
    /// `skynet.datasheet`; its tables are made by `sheet.rs`.
    Sheet,
}

/// The tree that a root view and all views below it read.
pub(super) struct Root {
    pub(super) tree: Arc<Tree>,
    pub(super) kind: Kind,
}

/// The addresses of these are keys of metatables and caches that no script can meet.
pub(super) static NODE: u8 = 0;
static PARENT: u8 = 1;
static KEY: u8 = 2;

/// The key that such an address is.
pub(super) fn hidden(key: &'static u8) -> *const c_void {
    (&raw const *key).cast()
}

/// Places in the *kit*, the user value of a root: what all its views have in common.
pub(super) mod kit {
    pub(in super::super) const FIRST: i64 = 1;
    pub(in super::super) const WRITE: i64 = 2;
    pub(in super::super) const LEN: i64 = 3;
    pub(in super::super) const PAIRS: i64 = 4;
    pub(in super::super) const GONE: i64 = 5;
    /// The metatable of caches.
    pub(in super::super) const CACHE: i64 = 6;
    pub(in super::super) const NEXT: i64 = 7;
    /// Only of sharetable's views.
    pub(in super::super) const SAME: i64 = 8;
    /// The root view, which lives as long as any view below it: updates come by way of it.
    pub(in super::super) const ROOT_VIEW: i64 = 9;
}

/// Pushes the root view of a tree.
///
/// # Safety
/// Rules 1 and 2, but the tree is given by reference.
pub(super) unsafe fn push_root(l: *mut lua_State, tree: *const Arc<Tree>, kind: Kind) {
    // SAFETY: as the caller's.
    unsafe {
        push_bare_root(l, tree, kind);
        let root = ffi::lua_gettop(l);
        push_kit(l, root, kind);
        push_view(l, root + 1, 0, 0, root);
        lua_pushvalue(l, -1);
        lua_rawseti(l, root + 1, kit::ROOT_VIEW);
        ffi::lua_replace(l, root);
        lua_settop(l, root);
    }
}

/// Pushes a root without its kit.
///
/// # Safety
/// As [`push_root`].
pub(super) unsafe fn push_bare_root(l: *mut lua_State, tree: *const Arc<Tree>, kind: Kind) {
    // SAFETY: the root exists only once nothing can raise before its finalizer is set.
    unsafe {
        let root = lua_newuserdatauv(l, size_of::<Root>(), 1).cast::<Root>();
        if luaL_newmetatable(l, ROOT.as_ptr()) != 0 {
            ffi::lua_pushcfunction(l, drop_root);
            lua_setfield(l, -2, c"__gc".as_ptr());
        }
        root.write(Root { tree: Arc::clone(&*tree), kind });
        lua_setmetatable(l, -2);
    }
}

/// Notes a root in the metatable of its table.
///
/// # Safety
/// Rule 2; both are stack indices.
pub(super) unsafe fn set_root_key(l: *mut lua_State, meta: c_int, root: c_int) {
    // SAFETY: as the caller's.
    unsafe {
        let meta = ffi::lua_absindex(l, meta);
        lua_pushvalue(l, root);
        lua_rawsetp(l, meta, hidden(&KEY));
    }
}

/// Makes the kit of the root at `root` and leaves it on the stack.
unsafe fn push_kit(l: *mut lua_State, root: c_int, kind: Kind) {
    // SAFETY: rules 2 and 4.
    unsafe {
        lua_createtable(l, 9, 0);
        let functions: [(i64, ffi::lua_CFunction); 6] = [
            (kit::FIRST, first),
            (kit::WRITE, write),
            (kit::LEN, len),
            (kit::PAIRS, pairs),
            (kit::GONE, gone),
            (kit::SAME, same),
        ];
        let count = if kind == Kind::Table { functions.len() } else { functions.len() - 1 };
        for (place, function) in functions.iter().take(count) {
            lua_pushvalue(l, root);
            lua_pushcclosure(l, *function, 1);
            lua_rawseti(l, -2, *place);
        }
        lua_createtable(l, 0, 1);
        lua_pushvalue(l, root);
        lua_pushcclosure(l, miss, 1);
        lua_setfield(l, -2, c"__index".as_ptr());
        lua_rawseti(l, -2, kit::CACHE);
        ffi::lua_getglobal(l, c"next".as_ptr());
        lua_rawseti(l, -2, kit::NEXT);
        lua_pushvalue(l, -1);
        lua_setiuservalue(l, root, 1);
    }
}

unsafe extern "C-unwind" fn drop_root(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this with a root. Other finalizers may still use it: it stays one.
    unsafe {
        let root = lua_touserdata(l, 1).cast::<Root>();
        (*root).tree = Arc::new(super::tree::Builder::default().finish());
    }
    0
}

/// Pushes a new view of the table `node`. `kit`, `parent` (0 for none) and `key` are stack indices.
unsafe fn push_view(l: *mut lua_State, kit: c_int, node: u32, parent: c_int, key: c_int) {
    // SAFETY: rules 2 and 4; the caller has stack to spare.
    unsafe {
        lua_createtable(l, 0, 0);
        lua_createtable(l, 0, 8);
        set_from_kit(l, kit, kit::FIRST, c"__index");
        set_from_kit(l, kit, kit::WRITE, c"__newindex");
        set_from_kit(l, kit, kit::LEN, c"__len");
        set_from_kit(l, kit, kit::PAIRS, c"__pairs");
        set_from_kit(l, kit, kit::SAME, c"__eq");
        lua_pushboolean(l, 0);
        lua_setfield(l, -2, c"__metatable".as_ptr());
        lua_pushinteger(l, node.into());
        lua_rawsetp(l, -2, hidden(&NODE));
        if parent != 0 {
            lua_pushvalue(l, parent);
            lua_rawsetp(l, -2, hidden(&PARENT));
        }
        lua_pushvalue(l, key);
        lua_rawsetp(l, -2, hidden(&KEY));
        lua_setmetatable(l, -2);
    }
}

/// Sets a field of the table on top to what the kit has at a place, if it has something.
unsafe fn set_from_kit(l: *mut lua_State, kit: c_int, place: i64, field: &CStr) {
    // SAFETY: rules 2 and 4.
    unsafe {
        if lua_rawgeti(l, kit, place) == LUA_TNIL {
            lua_pop(l, 1);
        } else {
            lua_setfield(l, -2, field.as_ptr());
        }
    }
}

/// The root of the running function.
///
/// # Safety
/// It is a closure with a root as its first upvalue.
pub(super) unsafe fn own_root(l: *mut lua_State) -> *mut Root {
    // SAFETY: as the caller's.
    unsafe { lua_touserdata(l, lua_upvalueindex(1)).cast() }
}

unsafe fn push_own_kit(l: *mut lua_State) {
    // SAFETY: as `own_root`.
    unsafe { lua_getiuservalue(l, lua_upvalueindex(1), 1) };
}

/// The number of the table whose view has the metatable at `meta`.
unsafe fn node_of(l: *mut lua_State, meta: c_int) -> u32 {
    // SAFETY: rule 4; nothing raises.
    unsafe {
        lua_rawgetp(l, meta, hidden(&NODE));
        let node = lua_tointegerx(l, -1, std::ptr::null_mut());
        lua_pop(l, 1);
        u32::try_from(node).unwrap_or(u32::MAX)
    }
}

/// `__index` of a view that nobody has read yet: `(view, key)`.
unsafe extern "C-unwind" fn first(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; no reference into the tree is kept.
    unsafe {
        let root = own_root(l);
        lua_settop(l, 2);
        if lua_getmetatable(l, 1) == 0 {
            return 0;
        }
        push_own_kit(l);
        let (meta, kit) = (3, 4);
        let node = node_of(l, meta);
        let tree = &(*root).tree;
        if tree.items(node).len() + tree.pairs(node).len() <= SMALL {
            push_full(l, root, kit, meta, 0);
        } else {
            push_empty(l, kit, meta);
        }
        let cache = 5;
        lua_pushvalue(l, cache);
        lua_setfield(l, meta, c"__index".as_ptr());
        lua_pushvalue(l, 2);
        ffi::lua_gettable(l, cache);
        1
    }
}

/// Pushes an empty cache for the view with the metatable at `meta`.
///
/// # Safety
/// Rules 2 and 4.
pub(super) unsafe fn push_empty(l: *mut lua_State, kit: c_int, meta: c_int) {
    // SAFETY: rules 2 and 4.
    unsafe {
        lua_createtable(l, 0, 1);
        lua_pushvalue(l, meta);
        lua_rawsetp(l, -2, hidden(&NODE));
        lua_rawgeti(l, kit, kit::CACHE);
        lua_setmetatable(l, -2);
    }
}

/// `__index` of a cache: `(cache, key)`. Takes the field over from the tree.
unsafe extern "C-unwind" fn miss(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; no reference into the tree is kept.
    unsafe {
        let root = own_root(l);
        lua_settop(l, 2);
        if (*root).kind == Kind::Data {
            check_key(l);
        }
        let meta = 3;
        if lua_rawgetp(l, 1, hidden(&NODE)) != LUA_TTABLE {
            // It is full.
            return 0;
        }
        let node = node_of(l, meta);
        let Some(key) = key_at(l, 2) else { return 0 };
        let Some(value) = (*root).tree.get(node, key) else { return 0 };
        push_own_kit(l);
        push_value(l, root, value, (4, meta, 2));
        lua_pushvalue(l, 2);
        lua_pushvalue(l, -2);
        lua_rawset(l, 1);
        1
    }
}

/// Raises for a key at index 2 that sharedata has none of.
unsafe fn check_key(l: *mut lua_State) {
    // SAFETY: rule 2.
    unsafe {
        match lua_type(l, 2) {
            LUA_TSTRING | LUA_TNIL => {}
            LUA_TNUMBER if ffi::lua_isinteger(l, 2) != 0 => {}
            LUA_TNUMBER => {
                lua_pushstring(l, c"Invalid key ".as_ptr());
                ffi::luaL_tolstring(l, 2, std::ptr::null_mut());
                ffi::lua_concat(l, 2);
                raise_top(l);
            }
            kind => {
                let name = type_name(kind);
                lua_pushstring(l, c"bad key (string expected, got ".as_ptr());
                lua_pushlstring(l, name.as_ptr().cast(), name.len());
                lua_pushstring(l, c")".as_ptr());
                ffi::lua_concat(l, 3);
                raise_top(l);
            }
        }
    }
}

/// Pushes a value of a tree; a table gets a new view. The stack indices are those of the kit, of
/// the metatable of the view it is read through, and of its key.
unsafe fn push_value(
    l: *mut lua_State,
    root: *mut Root,
    value: Value,
    (kit, meta, key): (c_int, c_int, c_int),
) {
    // SAFETY: rules 2 and 4; sharetable's errors need no way back, so its views keep none.
    unsafe {
        match value {
            Value::Table(node) if (*root).kind == Kind::Data => push_view(l, kit, node, meta, key),
            Value::Table(node) => {
                lua_pushnil(l);
                push_view(l, kit, node, 0, ffi::lua_gettop(l));
                ffi::lua_remove(l, -2);
            }
            value => push_leaf(l, &(*root).tree, value),
        }
    }
}

/// Pushes a full cache. Views that the cache at `old` (0 for none) has already are taken over.
unsafe fn push_full(l: *mut lua_State, root: *mut Root, kit: c_int, meta: c_int, old: c_int) {
    // SAFETY: rules 2 and 4. The tree is asked anew for each value.
    unsafe {
        luaL_checkstack(l, 12, std::ptr::null());
        let node = node_of(l, meta);
        let items = (*root).tree.items(node).len();
        let pairs = (*root).tree.pairs(node).len();
        lua_createtable(l, items as c_int, pairs as c_int);
        let cache = ffi::lua_gettop(l);
        for index in 0..items {
            let Some(value) = (*root).tree.items(node).get(index).copied() else { break };
            lua_pushinteger(l, index as i64 + 1);
            push_into(l, root, value, (kit, meta, old));
            lua_rawset(l, cache);
        }
        for index in 0..pairs {
            let pair = (*root).tree.pairs(node).get(index).copied();
            let Some((key, value)) = pair else { break };
            push_leaf(l, &(*root).tree, key);
            push_into(l, root, value, (kit, meta, old));
            lua_rawset(l, cache);
        }
        if (*root).kind == Kind::Data {
            // It still says what keys there can be.
            lua_rawgeti(l, kit, kit::CACHE);
            lua_setmetatable(l, cache);
        }
    }
}

/// Pushes the value for the key on top of the stack: what the old cache has, or a new one.
unsafe fn push_into(
    l: *mut lua_State,
    root: *mut Root,
    value: Value,
    (kit, meta, old): (c_int, c_int, c_int),
) {
    // SAFETY: rules 2 and 4.
    unsafe {
        let key = ffi::lua_gettop(l);
        if old != 0 && matches!(value, Value::Table(_)) {
            lua_pushvalue(l, key);
            if lua_rawget(l, old) == LUA_TTABLE {
                return;
            }
            lua_pop(l, 1);
        }
        push_value(l, root, value, (kit, meta, key));
    }
}

/// `__pairs`: fills the cache, and lets Lua's own `next` walk it.
unsafe extern "C-unwind" fn pairs(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        if !push_filled(l) {
            return 0;
        }
        lua_rawgeti(l, 3, kit::NEXT);
        ffi::lua_insert(l, -2);
        lua_pushnil(l);
        3
    }
}

/// Pushes the full cache of the view at index 1, behind its metatable (2) and the kit (3).
unsafe fn push_filled(l: *mut lua_State) -> bool {
    // SAFETY: rules 2 and 4; a closure of the kit runs.
    unsafe {
        lua_settop(l, 1);
        if lua_getmetatable(l, 1) == 0 {
            return false;
        }
        push_own_kit(l);
        let (meta, kit, old) = (2, 3, 4);
        let is_cache = lua_getfield(l, meta, c"__index".as_ptr()) == LUA_TTABLE;
        if is_cache {
            let is_full = lua_rawgetp(l, old, hidden(&NODE)) == LUA_TNIL;
            lua_pop(l, 1);
            if is_full {
                return true;
            }
        }
        push_full(l, own_root(l), kit, meta, if is_cache { old } else { 0 });
        lua_pushvalue(l, -1);
        lua_setfield(l, meta, c"__index".as_ptr());
        true
    }
}

/// `__len`.
unsafe extern "C-unwind" fn len(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        lua_settop(l, 1);
        if lua_getmetatable(l, 1) == 0 {
            return 0;
        }
        let count = (*own_root(l)).tree.items(node_of(l, 2)).len();
        lua_pushinteger(l, count as i64);
        1
    }
}

/// `__eq`: views of one table of one tree are equal.
unsafe extern "C-unwind" fn same(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this with two tables, one of which is a view.
    unsafe {
        lua_settop(l, 2);
        let (a, b) = (place_of(l, 1), place_of(l, 2));
        lua_pushboolean(l, (a.is_some() && a == b).into());
        1
    }
}

/// The tree and the table number of the view at `index`; none if it is no view of sharetable.
unsafe fn place_of(l: *mut lua_State, index: c_int) -> Option<(*const Tree, u32)> {
    // SAFETY: rules 2 and 4.
    unsafe {
        let top = ffi::lua_gettop(l);
        let mut place = None;
        if lua_getmetatable(l, index) != 0 {
            lua_getfield(l, top + 1, c"__eq".as_ptr());
            if !ffi::lua_getupvalue(l, -1, 1).is_null() {
                let root = luaL_testudata(l, -1, ROOT.as_ptr()).cast::<Root>();
                if !root.is_null() {
                    place = Some((Arc::as_ptr(&(*root).tree), node_of(l, top + 1)));
                }
            }
        }
        lua_settop(l, top);
        place
    }
}

/// `__newindex`.
unsafe extern "C-unwind" fn write(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        if (*own_root(l)).kind == Kind::Table {
            raise(l, c"attempt to index a table value (a shared table is read only)");
        }
        lua_settop(l, 1);
        lua_pushstring(l, c"Error newindex, the key [".as_ptr());
        push_path(l);
        lua_pushstring(l, c"]".as_ptr());
        ffi::lua_concat(l, 3);
        raise_top(l)
    }
}

/// Every access to a view whose table an update removed.
unsafe extern "C-unwind" fn gone(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        if (*own_root(l)).kind == Kind::Table {
            raise(l, c"attempt to index a shared table that an update removed");
        }
        lua_settop(l, 1);
        lua_pushstring(l, c"The key [".as_ptr());
        push_path(l);
        lua_pushstring(l, c"] doesn't exist after update".as_ptr());
        ffi::lua_concat(l, 3);
        raise_top(l)
    }
}

/// Pushes the path of the view at index 1: `.b.c`.
unsafe fn push_path(l: *mut lua_State) {
    // SAFETY: rules 2 and 4.
    unsafe {
        lua_pushstring(l, c"".as_ptr());
        let path = ffi::lua_gettop(l);
        if lua_getmetatable(l, 1) == 0 {
            return;
        }
        let meta = path + 1;
        while lua_rawgetp(l, meta, hidden(&PARENT)) == LUA_TTABLE {
            lua_pushstring(l, c".".as_ptr());
            lua_rawgetp(l, meta, hidden(&KEY));
            lua_pushvalue(l, path);
            ffi::lua_concat(l, 3);
            ffi::lua_replace(l, path);
            ffi::lua_replace(l, meta);
        }
        lua_settop(l, path);
    }
}

/// Pushes the root of the root view at `index` and returns it; null, and nothing is pushed, when it
/// is none.
///
/// # Safety
/// Rules 1 and 2.
pub(super) unsafe fn push_root_of(l: *mut lua_State, index: c_int) -> *mut Root {
    // SAFETY: as the caller's.
    unsafe {
        let top = ffi::lua_gettop(l);
        if lua_getmetatable(l, index) != 0 {
            lua_rawgetp(l, -1, hidden(&KEY));
            let root = luaL_testudata(l, -1, ROOT.as_ptr());
            if !root.is_null() {
                ffi::lua_remove(l, -2);
                return root.cast();
            }
        }
        lua_settop(l, top);
        std::ptr::null_mut()
    }
}
