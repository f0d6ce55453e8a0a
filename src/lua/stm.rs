//! The module `skynet.stm`: one writer publishes a block of bytes, many readers see the latest.
//! Lua API section 19. `skynet.sharemap` is built on it.
//!
//! Writer and readers share a [`Cell`]. What is published replaces the block before it; a reader
//! keeps the block it reads alive for as long as it reads, and no longer. A copy on its way to
//! another service is a counted reference inside a light userdata: it must arrive exactly once.

use std::ffi::{CStr, c_int};
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use mlua::ffi::{
    self, LUA_MULTRET, LUA_TFUNCTION, LUA_TLIGHTUSERDATA, LUA_TSTRING, lua_State, lua_call,
    lua_createtable, lua_gettop, lua_insert, lua_newuserdatauv, lua_pushboolean, lua_pushcfunction,
    lua_pushinteger, lua_pushlightuserdata, lua_pushvalue, lua_setfield, lua_setmetatable,
    lua_settop, lua_tolstring, lua_touserdata, lua_type, luaL_argerror, luaL_checkinteger,
    luaL_checktype, luaL_checkudata, luaL_newmetatable,
};

use super::error::raise;
use super::native::set_functions;
use crate::message::Payload;

const WRITER: &CStr = c"ironsky.stm.writer";
const READER: &CStr = c"ironsky.stm.reader";
const READING: &CStr = c"ironsky.stm.reading";

/// What is published; nothing once the writer has gone.
type Cell = Mutex<Option<Arc<Payload>>>;

fn current(cell: &Cell) -> Option<Arc<Payload>> {
    cell.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Replaces what is published; the block before it is freed without the lock.
fn publish(cell: &Cell, block: Option<Payload>) {
    let block = block.map(Arc::new);
    let old = std::mem::replace(&mut *cell.lock().unwrap_or_else(PoisonError::into_inner), block);
    drop(old);
}

/// A reading end: the cell, and the block of the last successful read. That block is only
/// compared, but a weak reference keeps its address from being used again.
struct Reader {
    cell: Arc<Cell>,
    seen: Weak<Payload>,
}

impl Reader {
    /// Returns what is published unless it was read already.
    fn news(&self) -> Option<Arc<Payload>> {
        current(&self.cell).filter(|block| !ptr::eq(self.seen.as_ptr(), Arc::as_ptr(block)))
    }
}

/// Opens the module.
pub(super) unsafe extern "C-unwind" fn open(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        lua_createtable(l, 0, 3);
        set_functions(l, &[(c"new", new), (c"copy", copy), (c"newcopy", newcopy)]);
        1
    }
}

/// Makes a userdata of a class whose finalizer drops the value: `(class, finalizer, call)`.
///
/// The value is made by `make` after everything that can raise.
unsafe fn push_object<T>(
    l: *mut lua_State,
    (class, finalizer, call): (&CStr, ffi::lua_CFunction, Option<ffi::lua_CFunction>),
    make: impl FnOnce() -> T,
) {
    // SAFETY: rule 2: the value exists only when nothing can raise any more.
    unsafe {
        let slot = lua_newuserdatauv(l, size_of::<T>(), 0).cast::<T>();
        if luaL_newmetatable(l, class.as_ptr()) != 0 {
            lua_pushcfunction(l, finalizer);
            lua_setfield(l, -2, c"__gc".as_ptr());
            if let Some(call) = call {
                lua_pushcfunction(l, call);
                lua_setfield(l, -2, c"__call".as_ptr());
            }
        }
        slot.write(make());
        lua_setmetatable(l, -2);
    }
}

/// The value of the userdata at index 1, which must be of the class.
unsafe fn object<'a, T>(l: *mut lua_State, class: &CStr) -> &'a T {
    // SAFETY: only `push_object` makes userdata of these classes, each with its own type.
    unsafe { &*luaL_checkudata(l, 1, class.as_ptr()).cast::<T>() }
}

/// Checks that a block's bytes are at `index`, as a string, or as a pointer and a size.
unsafe fn check_block(l: *mut lua_State, index: c_int) {
    // SAFETY: rule 2.
    unsafe {
        match lua_type(l, index) {
            LUA_TSTRING => {}
            LUA_TLIGHTUSERDATA => {
                if luaL_checkinteger(l, index + 1) < 0 {
                    luaL_argerror(l, index + 1, c"a size expected".as_ptr());
                }
            }
            _ => {
                luaL_argerror(l, index, c"a block or a string expected".as_ptr());
            }
        }
    }
}

/// Takes over the block at `index`, which was checked, or copies the string there.
unsafe fn take_block(l: *mut lua_State, index: c_int) -> Payload {
    // SAFETY: nothing raises: the types are known. A pointer is a block of the C heap that the
    // caller of the Lua function gives away.
    unsafe {
        if lua_type(l, index) == LUA_TSTRING {
            let mut len = 0;
            let text = lua_tolstring(l, index, &mut len);
            return Payload::copy_of(std::slice::from_raw_parts(text.cast(), len));
        }
        let len = ffi::lua_tointegerx(l, index + 1, ptr::null_mut());
        Payload::from_raw(lua_touserdata(l, index).cast(), len as usize)
    }
}

/// `new(pointer, size | string)`: a writer.
unsafe extern "C-unwind" fn new(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        check_block(l, 1);
        push_object::<Arc<Cell>>(l, (WRITER, end_writer, Some(write)), || {
            Arc::new(Mutex::new(Some(Arc::new(take_block(l, 1)))))
        });
        1
    }
}

/// `writer(pointer, size | string)`: publishes.
unsafe extern "C-unwind" fn write(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this.
    unsafe {
        let cell = object::<Arc<Cell>>(l, WRITER);
        check_block(l, 2);
        publish(cell, Some(take_block(l, 2)));
        0
    }
}

/// `copy(writer)`: a light userdata for `newcopy` in any service, once.
unsafe extern "C-unwind" fn copy(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this. A light userdata needs no memory, so nothing raises.
    unsafe {
        let cell = object::<Arc<Cell>>(l, WRITER);
        lua_pushlightuserdata(l, Arc::into_raw(Arc::clone(cell)).cast_mut().cast());
        1
    }
}

/// `newcopy(light userdata)`: a reader.
unsafe extern "C-unwind" fn newcopy(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the pointer is one of `copy`'s and arrives here once, which is the
    // contract of the Lua function.
    unsafe {
        luaL_checktype(l, 1, LUA_TLIGHTUSERDATA);
        if lua_touserdata(l, 1).is_null() {
            raise(l, c"not a copy of a writer");
        }
        push_object::<Reader>(l, (READER, end_reader, Some(read)), || Reader {
            cell: Arc::from_raw(lua_touserdata(l, 1).cast_const().cast()),
            seen: Weak::new(),
        });
        1
    }
}

/// `reader(f [, ud])`: false, or true and what `f(pointer, size, ud)` returns.
unsafe extern "C-unwind" fn read(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this. The block belongs to a userdata below the call, so it outlives the
    // call, even one that raises.
    unsafe {
        object::<Reader>(l, READER);
        luaL_checktype(l, 2, LUA_TFUNCTION);
        lua_settop(l, 3);
        push_object::<Option<Arc<Payload>>>(l, (READING, end_reading, None), || {
            object::<Reader>(l, READER).news()
        });
        lua_insert(l, 2);
        let Some(block) = &*lua_touserdata(l, 2).cast::<Option<Arc<Payload>>>() else {
            lua_pushboolean(l, 0);
            return 1;
        };
        lua_pushboolean(l, 1);
        lua_insert(l, 3);
        // The stack is reader, block, true, f, ud.
        lua_pushlightuserdata(l, block.as_ptr().cast());
        lua_pushinteger(l, block.len() as i64);
        lua_pushvalue(l, 5);
        ffi::lua_remove(l, 5);
        lua_call(l, 3, LUA_MULTRET);
        let reader = lua_touserdata(l, 1).cast::<Reader>();
        (*reader).seen = Arc::downgrade(block);
        lua_gettop(l) - 2
    }
}

unsafe extern "C-unwind" fn end_writer(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this; the value is left as good as new, for finalizers that come later.
    unsafe { publish(object::<Arc<Cell>>(l, WRITER), None) };
    // SAFETY: as above.
    unsafe { replace(l, Arc::<Cell>::default()) }
}

unsafe extern "C-unwind" fn end_reader(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this with a reader.
    unsafe { replace(l, Reader { cell: Arc::default(), seen: Weak::new() }) }
}

unsafe extern "C-unwind" fn end_reading(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this with the block of a read.
    unsafe { replace(l, None::<Arc<Payload>>) }
}

/// Drops the value of the userdata at index 1 and leaves an empty one in its place.
unsafe fn replace<T>(l: *mut lua_State, empty: T) -> c_int {
    // SAFETY: the caller names the type of the userdata.
    unsafe { *lua_touserdata(l, 1).cast::<T>() = empty };
    0
}
