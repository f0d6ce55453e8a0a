//! The module `skynet.shared.native`: tables that services share without copying. Used by the Lua
//! modules `skynet.sharedata`, `skynet.sharetable` and `skynet.datasheet`, and by their services.
//!
//! A table is made into a [`Tree`] once, outside of any Lua state; every service reads it through
//! tables of its own that know how to look into it.
//!
//! | file | what |
//! |---|---|
//! | `tree.rs` | the tree |
//! | `build.rs`, `private.rs`, `document.rs` | where one comes from |
//! | `view.rs`, `renew.rs` | read-only tables for `sharedata` and `sharetable`, and their updates |
//! | `guard.rs` | `next` and `rawset` for services with such tables |
//! | `sheet.rs` | the tables of `datasheet`, which fill themselves |
//! | `values.rs` | single values |
//! | `shelf.rs` | how a tree gets to another service |

mod build;
mod document;
mod guard;
mod private;
mod renew;
mod sheet;
mod shelf;
mod tree;
mod values;
mod view;

use std::ffi::{CStr, c_int};
use std::ptr;
use std::sync::Arc;

use mlua::ffi::{
    self, LUA_TTABLE, lua_State, lua_createtable, lua_gettop, lua_newuserdatauv, lua_pushcclosure,
    lua_pushcfunction, lua_pushinteger, lua_pushlstring, lua_pushnil, lua_rawset, lua_setfield,
    lua_setglobal, lua_setmetatable, lua_settop, luaL_argerror, luaL_checkinteger,
    luaL_checklstring, luaL_checkoption, luaL_checkstack, luaL_checktype, luaL_checkudata,
    luaL_newmetatable,
};

use self::build::{BuildError, Rules, build};
pub(super) use self::shelf::Shelf;
use self::tree::{Tree, Value};
use self::view::Kind;
use super::error::raise_top;
use super::native::set_functions;
use super::runtime::Runtime;
use super::vm::vm_of;

/// The class of userdata that hold a tree.
const TREE: &CStr = c"ironsky.shared.tree";

/// What such a userdata has: nothing while the tree is being made, and after its finalizer.
type Held = Option<Arc<Tree>>;

/// Opens the module.
pub(super) unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        lua_createtable(l, 0, 16);
        set_functions(
            l,
            &[
                (c"build", build_tree),
                (c"run", run),
                (c"encode", encode),
                (c"decode", decode),
                (c"offer", offer),
                (c"open", open_tree),
                (c"close", drop_held),
                (c"size", size),
                (c"users", users),
                (c"view", push_view),
                (c"sheet", push_sheet),
                (c"switch", switch),
                (c"tree", tree_of),
                (c"copy", copy),
                (c"guard", guard),
            ],
        );
        1
    }
}

/// Pushes a userdata that will hold a tree.
unsafe fn push_held(l: *mut lua_State) -> *mut Held {
    // SAFETY: rule 2: nothing is held yet.
    unsafe {
        let held = lua_newuserdatauv(l, size_of::<Held>(), 0).cast::<Held>();
        held.write(None);
        if luaL_newmetatable(l, TREE.as_ptr()) != 0 {
            lua_pushcfunction(l, drop_held);
            lua_setfield(l, -2, c"__gc".as_ptr());
        }
        lua_setmetatable(l, -2);
        held
    }
}

/// `close(tree)`, and the finalizer: lets go of the tree.
unsafe extern "C-unwind" fn drop_held(l: *mut lua_State) -> c_int {
    // SAFETY: only `push_held` makes userdata of the class.
    unsafe { *luaL_checkudata(l, 1, TREE.as_ptr()).cast::<Held>() = None };
    0
}

/// The tree of the userdata at `index`; raises when there is none.
unsafe fn held(l: *mut lua_State, index: c_int) -> *const Arc<Tree> {
    // SAFETY: only `push_held` makes userdata of the class.
    unsafe {
        match &*luaL_checkudata(l, index, TREE.as_ptr()).cast::<Held>() {
            Some(tree) => tree,
            None => {
                luaL_argerror(l, index, c"the tree has gone".as_ptr());
                ptr::null()
            }
        }
    }
}

/// Puts a tree into its userdata, which is on top, or raises a text.
unsafe fn finish(l: *mut lua_State, slot: *mut Held, made: Result<Tree, String>) -> c_int {
    // SAFETY: rule 2: the text is dropped before it is raised.
    unsafe {
        match made {
            Ok(tree) => {
                *slot = Some(Arc::new(tree));
                return 1;
            }
            Err(text) => lua_pushlstring(l, text.as_ptr().cast(), text.len()),
        };
        raise_top(l)
    }
}

/// `build(table, rules)`: the tree of a table; the rules are those of a module. Nothing when a
/// `__pairs` has to be asked for the content of a table in it.
unsafe extern "C-unwind" fn build_tree(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        luaL_checktype(l, 1, LUA_TTABLE);
        let names = [c"data".as_ptr(), c"table".as_ptr(), c"sheet".as_ptr(), ptr::null()];
        let rules = match luaL_checkoption(l, 2, ptr::null(), names.as_ptr()) {
            0 => Rules::Data,
            1 => Rules::Table,
            _ => Rules::Sheet,
        };
        lua_settop(l, 1);
        let slot = push_held(l);
        let made = build(l, 1, rules);
        lua_settop(l, 2);
        if made.as_ref().is_err_and(BuildError::wants_pairs) {
            drop(made);
            return 0;
        }
        finish(l, slot, made.map_err(|error| error.to_string()))
    }
}

/// `run(source, ...)`: the tree of the table that a chunk returns; `@name` is a file.
unsafe extern "C-unwind" fn run(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the source stays on the stack.
    unsafe {
        let source = bytes(l, 1);
        let slot = push_held(l);
        ffi::lua_insert(l, 1);
        let made = private::run(source, l, 3);
        lua_settop(l, 1);
        finish(l, slot, made)
    }
}

/// The bytes of the string at `index`.
unsafe fn bytes<'a>(l: *mut lua_State, index: c_int) -> &'a [u8] {
    // SAFETY: the callers leave the string on the stack.
    unsafe {
        let mut len = 0;
        let text = luaL_checklstring(l, index, &mut len);
        std::slice::from_raw_parts(text.cast(), len)
    }
}

/// `encode(tree [, before])`: the document of a datasheet.
unsafe extern "C-unwind" fn encode(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this. Running out of memory while the bytes are pushed leaks them.
    unsafe {
        let tree = held(l, 1);
        let before = if ffi::lua_isnoneornil(l, 2) != 0 { None } else { Some(&**held(l, 2)) };
        match document::encode(&*tree, before) {
            Ok(document) => lua_pushlstring(l, document.as_ptr().cast(), document.len()),
            Err(error) => return finish(l, ptr::null_mut(), Err(error.to_string())),
        };
        1
    }
}

/// `decode(document)`: the tree of a datasheet.
unsafe extern "C-unwind" fn decode(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let document = bytes(l, 1);
        let slot = push_held(l);
        finish(l, slot, document::decode(document).map_err(|error| error.to_string()))
    }
}

/// `offer(tree)`: a number by which another service can open it, as long as somebody holds it.
unsafe extern "C-unwind" fn offer(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let runtime: &Runtime = &(*vm_of(l)).runtime;
        lua_pushinteger(l, runtime.shelf.offer(&*held(l, 1)));
        1
    }
}

/// `open(number)`: the tree, or nil.
unsafe extern "C-unwind" fn open_tree(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let number = luaL_checkinteger(l, 1);
        let slot = push_held(l);
        let runtime: &Runtime = &(*vm_of(l)).runtime;
        *slot = runtime.shelf.open(number);
        if (*slot).is_none() {
            lua_pushnil(l);
        }
        1
    }
}

/// `size(tree)`: the bytes it takes.
unsafe extern "C-unwind" fn size(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        lua_pushinteger(l, (*held(l, 1)).size() as i64);
        1
    }
}

/// `users(tree)`: how many hold it besides this userdata.
unsafe extern "C-unwind" fn users(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        lua_pushinteger(l, Arc::strong_count(&*held(l, 1)) as i64 - 1);
        1
    }
}

/// `view(tree, kind)`: a read-only table; the kind is `data` or `table`.
unsafe extern "C-unwind" fn push_view(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the userdata stays on the stack.
    unsafe {
        let tree = held(l, 1);
        let names = [c"data".as_ptr(), c"table".as_ptr(), ptr::null()];
        let is_data = luaL_checkoption(l, 2, ptr::null(), names.as_ptr()) == 0;
        view::push_root(l, tree, if is_data { Kind::Data } else { Kind::Table });
        1
    }
}

/// `sheet(tree)`: a table that fills itself.
unsafe extern "C-unwind" fn push_sheet(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the userdata stays on the stack.
    unsafe {
        sheet::push_root(l, held(l, 1));
        1
    }
}

/// `switch(table, tree)`: lets a root view or sheet, and all below it, show another tree.
unsafe extern "C-unwind" fn switch(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; both stay on the stack.
    unsafe {
        let tree = held(l, 2);
        let root = root_at(l, 1);
        match (*root).kind {
            Kind::Sheet => sheet::switch(l, root, tree),
            Kind::Data | Kind::Table => renew::switch(l, root, tree),
        }
        0
    }
}

/// The root of the root view at `index`, which stays on the stack; raises when it is none.
unsafe fn root_at(l: *mut lua_State, index: c_int) -> *mut view::Root {
    // SAFETY: rules 2 and 4.
    unsafe {
        let root = view::push_root_of(l, index);
        if root.is_null() {
            luaL_argerror(l, index, c"a shared table expected".as_ptr());
        }
        root
    }
}

/// `tree(table)`: the tree that a root view or sheet shows.
unsafe extern "C-unwind" fn tree_of(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let root = root_at(l, 1);
        let slot = push_held(l);
        *slot = Some(Arc::clone(&(*root).tree));
        1
    }
}

/// `copy(tree, ...)`: a plain copy of what is at a path of keys; nothing when there is nothing.
unsafe extern "C-unwind" fn copy(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the tree is immutable, and its userdata stays on the stack.
    unsafe {
        let tree: &Tree = &*held(l, 1);
        let mut value = Value::Table(0);
        for index in 2..=lua_gettop(l) {
            // A path that goes on below a plain value ends there, as in the reference.
            let Value::Table(table) = value else { break };
            let found = values::key_at(l, index).and_then(|key| tree.get(table, key));
            let Some(found) = found else { return 0 };
            value = found;
        }
        push_copy(l, tree, value);
        1
    }
}

unsafe fn push_copy(l: *mut lua_State, tree: &Tree, value: Value) {
    // SAFETY: rule 2: nothing is owned. The tree is not deeper than DEPTH_MAX.
    unsafe {
        let Value::Table(table) = value else { return values::push_leaf(l, tree, value) };
        luaL_checkstack(l, 8, ptr::null());
        let (items, pairs) = (tree.items(table), tree.pairs(table));
        lua_createtable(l, items.len() as c_int, pairs.len() as c_int);
        for (position, value) in (1..).zip(items) {
            push_copy(l, tree, *value);
            ffi::lua_rawseti(l, -2, position);
        }
        for (key, value) in pairs {
            values::push_leaf(l, tree, *key);
            push_copy(l, tree, *value);
            lua_rawset(l, -3);
        }
    }
}

/// `guard()`: the globals `next` and `rawset` of this service know views from now on.
unsafe extern "C-unwind" fn guard(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let functions: [(&CStr, ffi::lua_CFunction); 2] =
            [(c"next", guard::next), (c"rawset", guard::rawset)];
        for (name, function) in functions {
            ffi::lua_getglobal(l, name.as_ptr());
            lua_pushcclosure(l, function, 1);
            lua_setglobal(l, name.as_ptr());
        }
        0
    }
}
