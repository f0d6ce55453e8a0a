//! Tables to messages, through the C API. `walk` does most messages without it.
//!
//! The message is written into a buffer that lives in a userdata, because reading a table may run
//! Lua code (metamethods), which may raise, or encode another message. The buffer is an upvalue of
//! `encode`; who finds it busy (in such a metamethod, or after one raised) leaves it to its user
//! and the collector, and goes on with a new one.

use std::ffi::{CStr, c_int};
use std::ptr;

use mlua::ffi::{
    LUA_TBOOLEAN, LUA_TNIL, LUA_TSTRING, LUA_TTABLE, lua_Integer, lua_Number, lua_State, lua_call,
    lua_createtable, lua_geti, lua_getiuservalue, lua_gettable, lua_gettop, lua_isinteger,
    lua_newuserdatauv, lua_next, lua_pushcfunction, lua_pushfstring, lua_pushlstring, lua_pushnil,
    lua_pushvalue, lua_replace, lua_setfield, lua_setmetatable, lua_settop, lua_toboolean,
    lua_tointegerx, lua_tolstring, lua_tonumberx, lua_touserdata, lua_type, lua_typename,
    lua_upvalueindex, luaL_argerror, luaL_checkstack, luaL_error, luaL_getmetafield,
};

use super::handle::{TypeHandle, push_name, type_at};
use super::walk::walk;
use crate::codec::sproto::{
    DEPTH_MAX, Field, Index, Kind, Open, Schema, Type, WriteError, Writer, pack, packed_len_max,
    scaled,
};
use crate::lua::bytes::{push_bytes, push_filled};

/// A buffer keeps so many bytes for the next message.
const KEPT: usize = 16 * 1024;

struct Buffer {
    writer: Writer,
    busy: bool,
}

/// Pushes a new buffer.
pub(super) unsafe fn push_buffer(l: *mut lua_State) {
    // SAFETY: four slots are free. An empty writer owns nothing, so nothing is lost if the rest
    // raises.
    unsafe {
        let buffer = lua_newuserdatauv(l, size_of::<Buffer>(), 0).cast::<Buffer>();
        buffer.write(Buffer { writer: Writer::new(), busy: false });
        lua_createtable(l, 0, 1);
        lua_pushcfunction(l, collect);
        lua_setfield(l, -2, c"__gc".as_ptr());
        lua_setmetatable(l, -2);
    }
}

unsafe extern "C-unwind" fn collect(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this once, with a buffer.
    unsafe { ptr::drop_in_place(lua_touserdata(l, 1).cast::<Buffer>()) };
    0
}

/// Pushes a buffer that nobody uses, which stays on the stack.
unsafe fn take_buffer(l: *mut lua_State) -> *mut Buffer {
    // SAFETY: five slots are free; the first upvalue of `encode` is a buffer.
    unsafe {
        lua_pushvalue(l, lua_upvalueindex(1));
        if (*lua_touserdata(l, -1).cast::<Buffer>()).busy {
            lua_settop(l, -2);
            push_buffer(l);
            lua_pushvalue(l, -1);
            lua_replace(l, lua_upvalueindex(1));
        }
        let buffer = lua_touserdata(l, -1).cast::<Buffer>();
        (*buffer).busy = true;
        (*buffer).writer.reset(KEPT);
        buffer
    }
}

/// `encode(type, table) -> bytes`.
pub(super) unsafe extern "C-unwind" fn encode(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this with the upvalues that `open` gave. The type's handle and the buffer
    // stay on the stack.
    unsafe {
        let handle = type_at(l, 1, lua_upvalueindex(2));
        if handle.is_null() {
            return encode_nothing(l);
        }
        lua_settop(l, 2);
        let buffer = take_buffer(l);
        encode_one(l, handle, 1, buffer);
        push_bytes(l, (*buffer).writer.as_bytes());
        (*buffer).busy = false;
        1
    }
}

/// Writes the value behind the handle at `at`, whose type is `handle`.
unsafe fn encode_one(l: *mut lua_State, handle: *const TypeHandle, at: c_int, buffer: *mut Buffer) {
    // SAFETY: as the callers'; the handle stays on the stack, and with it the schema.
    unsafe {
        lua_getiuservalue(l, at, 1);
        let names = lua_gettop(l);
        let (schema, owner) = ((*handle).schema(), (*handle).type_of());
        if walk(l, names, at + 1, schema, owner, &mut (*buffer).writer) {
            return;
        }
        let mut encoder = Encoder { l, schema, buffer, names, depth: 0 };
        encoder.one_struct(owner, at + 1);
    }
}

/// `message(package, header [, type, table]) -> bytes`: a header and perhaps a content behind it,
/// packed. It saves a request four strings.
pub(super) unsafe extern "C-unwind" fn message(l: *mut lua_State) -> c_int {
    // SAFETY: as `encode`.
    unsafe {
        lua_settop(l, 4);
        let package = type_at(l, 1, lua_upvalueindex(2));
        let content = type_at(l, 3, lua_upvalueindex(2));
        if package.is_null() {
            return luaL_argerror(l, 1, c"Need a sproto type".as_ptr());
        }
        if content.is_null() && lua_type(l, 3) != LUA_TNIL && lua_type(l, 4) != LUA_TNIL {
            return refuse_content(l, 4);
        }
        let buffer = take_buffer(l);
        encode_one(l, package, 1, buffer);
        if !content.is_null() {
            encode_one(l, content, 3, buffer);
        }
        let bytes: *const [u8] = (*buffer).writer.as_bytes();
        push_filled(l, packed_len_max((&*bytes).len()), |output| Some(pack(&*bytes, output)));
        (*buffer).busy = false;
        1
    }
}

/// A response without content is nil.
unsafe fn encode_nothing(l: *mut lua_State) -> c_int {
    // SAFETY: as the caller's.
    unsafe {
        if mlua::ffi::lua_isuserdata(l, 1) != 0 && !lua_touserdata(l, 1).is_null() {
            return luaL_argerror(l, 1, c"Need a sproto type".as_ptr());
        }
        if lua_type(l, 2) != LUA_TNIL {
            return refuse_content(l, 2);
        }
        lua_pushlstring(l, c"".as_ptr(), 0);
        1
    }
}

/// Raises that a value was given where there is no content.
unsafe fn refuse_content(l: *mut lua_State, at: c_int) -> c_int {
    // SAFETY: as the callers'; nothing is owned.
    unsafe {
        let kind = lua_typename(l, lua_type(l, at));
        lua_pushfstring(l, c"nil expected, got %s".as_ptr(), kind);
        luaL_argerror(l, at, lua_tolstring(l, -1, ptr::null_mut()))
    }
}

/// The slots that one struct takes: iterator, its two values, key, value, name.
const SLOTS: c_int = 12;

/// A field with what its errors say.
#[derive(Clone, Copy)]
struct Place<'a> {
    owner: &'a Type,
    field: &'a Field,
    /// The number of the element, 0 outside of arrays.
    element: lua_Integer,
}

/// One message under way. It owns nothing: anything here may raise.
struct Encoder<'a> {
    l: *mut lua_State,
    schema: &'a Schema,
    buffer: *mut Buffer,
    /// Where the table of names stands.
    names: c_int,
    depth: u32,
}

impl<'a> Encoder<'a> {
    /// The writer, for one call.
    #[inline]
    fn writer(&mut self) -> &mut Writer {
        // SAFETY: the buffer is on the stack, marked as busy, so this is its only user.
        unsafe { &mut (*self.buffer).writer }
    }

    /// Frees the buffer, because an error is raised next.
    fn give_up(&mut self) {
        // SAFETY: as `writer`.
        unsafe { (*self.buffer).busy = false };
    }

    #[inline]
    fn done<T>(&mut self, result: Result<T, WriteError>) -> T {
        match result {
            Ok(value) => value,
            // SAFETY: the state is live, and nothing is owned.
            Err(error) => unsafe { self.refuse(error) },
        }
    }

    #[cold]
    unsafe fn refuse(&mut self, error: WriteError) -> ! {
        self.give_up();
        let text: &CStr = match error {
            WriteError::TooLarge => c"object is too large (>16777216)",
            WriteError::Gap => c"encode error",
        };
        // SAFETY: as the caller's.
        unsafe { crate::lua::bytes::raise_text(self.l, text) }
    }

    /// Raises that a value is not what its field is.
    #[cold]
    unsafe fn mismatch(&mut self, place: Place<'_>, expected: &CStr, value: c_int) -> ! {
        self.give_up();
        let l = self.l;
        // SAFETY: the state is live with free slots, and the arguments match the format.
        unsafe {
            let kind = lua_typename(l, lua_type(l, value));
            push_bytes(l, &place.owner.name);
            let owner = lua_tolstring(l, -1, ptr::null_mut());
            push_bytes(l, &place.field.name);
            let field = lua_tolstring(l, -1, ptr::null_mut());
            let format = c"%s.%s[%d] is not %s (Is a %s)".as_ptr();
            let element = place.element as c_int;
            luaL_error(l, format, owner, field, element, expected.as_ptr(), kind);
        }
        unreachable!("luaL_error does not return")
    }

    /// Raises that an array is none. (For pairs the reference always says `table`.)
    #[cold]
    unsafe fn no_array(&mut self, place: Place<'_>, value: c_int) -> ! {
        self.give_up();
        let l = self.l;
        // SAFETY: as `mismatch`.
        unsafe {
            let kind = match place.field.index {
                Index::Pairs => c"table".as_ptr(),
                _ => lua_typename(l, lua_type(l, value)),
            };
            push_bytes(l, &place.owner.name);
            let owner = lua_tolstring(l, -1, ptr::null_mut());
            push_bytes(l, &place.field.name);
            let field = lua_tolstring(l, -1, ptr::null_mut());
            let format =
                c"%s.%s(1) should be a table or an userdata with metamethods (Is a %s)".as_ptr();
            luaL_error(l, format, owner, field, kind);
        }
        unreachable!("luaL_error does not return")
    }

    /// Goes one level down; raises when that is too deep.
    unsafe fn descend(&mut self) {
        if self.depth >= DEPTH_MAX {
            self.give_up();
            // SAFETY: the state is live, and nothing is owned.
            unsafe { crate::lua::bytes::raise_text(self.l, c"The table is too deep") }
        }
        self.depth += 1;
        // SAFETY: as above.
        unsafe { luaL_checkstack(self.l, SLOTS, c"too deep".as_ptr()) };
    }

    /// Writes the value at `at` as a struct.
    unsafe fn one_struct(&mut self, owner: &'a Type, at: c_int) {
        let l = self.l;
        // SAFETY: the state is live, and `descend` has made room.
        unsafe {
            self.descend();
            let top = lua_gettop(l);
            let mut open = self.writer().open(owner.slots_max);
            for field in &owner.fields {
                push_name(l, self.names, field.key, &field.name);
                if lua_gettable(l, at) != LUA_TNIL {
                    self.field(Place { owner, field, element: 0 }, &mut open, top + 1);
                }
                lua_settop(l, top);
            }
            self.writer().close(open);
        }
        self.depth -= 1;
    }

    /// Writes the value at `at`, the top, as a field.
    unsafe fn field(&mut self, place: Place<'a>, open: &mut Open, at: c_int) {
        // SAFETY: the state is live, and the value is there.
        unsafe {
            if place.field.index != Index::Single {
                return self.array(place, open, at);
            }
            let tag = place.field.tag;
            let result = match place.field.kind {
                Kind::Integer | Kind::Decimal(_) => {
                    let value = self.integer(place, at);
                    self.writer().integer(open, tag, value)
                }
                Kind::Boolean => {
                    let value = self.boolean(place, at);
                    self.writer().boolean(open, tag, value)
                }
                Kind::Double => {
                    let value = self.double(at);
                    self.writer().double(open, tag, value)
                }
                Kind::String | Kind::Binary => {
                    let text = self.text(place, at);
                    self.writer().data(open, tag, text)
                }
                Kind::Struct(index) => {
                    let begun = self.writer().begin(open, tag);
                    let begun = self.done(begun);
                    self.one_struct(&self.schema.types()[index], at);
                    self.writer().end(begun);
                    Ok(())
                }
            };
            self.done(result);
        }
    }

    #[inline]
    unsafe fn integer(&mut self, place: Place<'_>, at: c_int) -> i64 {
        let mut is_number = 0;
        // SAFETY: the state is live, and the value is there.
        unsafe {
            if let Kind::Decimal(digits) = place.field.kind {
                return scaled(self.double(at), digits);
            }
            let value = lua_tointegerx(self.l, at, &mut is_number);
            if is_number == 0 {
                self.mismatch(place, c"an integer", at);
            }
            value
        }
    }

    /// What is no number counts as 0.
    unsafe fn double(&mut self, at: c_int) -> lua_Number {
        // SAFETY: the state is live, and the value is there.
        unsafe {
            match lua_isinteger(self.l, at) {
                0 => lua_tonumberx(self.l, at, ptr::null_mut()),
                _ => lua_tointegerx(self.l, at, ptr::null_mut()) as lua_Number,
            }
        }
    }

    unsafe fn boolean(&mut self, place: Place<'_>, at: c_int) -> bool {
        // SAFETY: the state is live, and the value is there.
        unsafe {
            if lua_type(self.l, at) != LUA_TBOOLEAN {
                self.mismatch(place, c"a boolean", at);
            }
            lua_toboolean(self.l, at) != 0
        }
    }

    /// The bytes are used while the string is on the stack.
    unsafe fn text(&mut self, place: Place<'_>, at: c_int) -> &'a [u8] {
        // SAFETY: the state is live, and the value is there; a string is not converted.
        unsafe {
            if lua_type(self.l, at) != LUA_TSTRING {
                self.mismatch(place, c"a string", at);
            }
            let mut len = 0;
            let start = lua_tolstring(self.l, at, &mut len);
            std::slice::from_raw_parts(start.cast(), len)
        }
    }

    unsafe fn array(&mut self, place: Place<'a>, open: &mut Open, at: c_int) {
        // SAFETY: the state is live, and the value is there.
        unsafe {
            if lua_type(self.l, at) != LUA_TTABLE {
                if luaL_getmetafield(self.l, at, c"__pairs".as_ptr()) == LUA_TNIL {
                    self.no_array(place, at);
                }
                lua_settop(self.l, -2);
            }
            let begun = self.writer().begin(open, place.field.tag);
            let begun = self.done(begun);
            match place.field.index {
                Index::List | Index::Single => self.list(place, begun, at),
                Index::Key(_) | Index::Pairs => self.pairs(place, begun, at),
            }
            self.writer().end(begun);
        }
    }

    /// Writes the elements 1, 2, ... up to the first nil.
    unsafe fn list(&mut self, place: Place<'a>, begun: usize, at: c_int) {
        let mut place = place;
        // SAFETY: the state is live, and the table is there.
        unsafe {
            loop {
                place.element += 1;
                if lua_geti(self.l, at, place.element) == LUA_TNIL {
                    return lua_settop(self.l, at);
                }
                self.element(place, begun, at + 1);
                lua_settop(self.l, at);
            }
        }
    }

    /// Writes the value at `at`, the top, as an element.
    unsafe fn element(&mut self, place: Place<'a>, begun: usize, at: c_int) {
        // SAFETY: the state is live, and the value is there.
        unsafe {
            let result = match place.field.kind {
                Kind::Integer | Kind::Decimal(_) => {
                    let value = self.integer(place, at);
                    self.writer().element(begun, value)
                }
                Kind::Boolean => {
                    let value = self.boolean(place, at);
                    self.writer().put(&[value.into()])
                }
                Kind::Double => {
                    let value = self.double(at);
                    self.writer().double_element(begun, value)
                }
                Kind::String | Kind::Binary => {
                    let text = self.text(place, at);
                    self.writer().item(text)
                }
                Kind::Struct(index) => {
                    let item = self.writer().begin_item();
                    let item = self.done(item);
                    self.one_struct(&self.schema.types()[index], at);
                    self.writer().end(item);
                    Ok(())
                }
            };
            self.done(result);
        }
    }

    /// Writes what iterating over the value at `at`, the top, gives: by `__pairs` if it has that.
    unsafe fn pairs(&mut self, place: Place<'a>, begun: usize, at: c_int) {
        let l = self.l;
        // SAFETY: the state is live, and the slots are there.
        unsafe {
            if luaL_getmetafield(l, at, c"__pairs".as_ptr()) == LUA_TNIL {
                lua_pushnil(l);
                while lua_next(l, at) != 0 {
                    self.pair(place, begun, at + 1);
                    lua_settop(l, at + 1);
                }
                return lua_settop(l, at);
            }
            lua_pushvalue(l, at);
            lua_call(l, 1, 3);
            loop {
                lua_pushvalue(l, at + 1);
                lua_pushvalue(l, at + 2);
                lua_pushvalue(l, at + 3);
                lua_call(l, 2, 2);
                if lua_type(l, at + 4) == LUA_TNIL {
                    return lua_settop(l, at);
                }
                self.pair(place, begun, at + 4);
                lua_pushvalue(l, at + 4);
                lua_replace(l, at + 3);
                lua_settop(l, at + 3);
            }
        }
    }

    /// Writes the key at `at` and the value behind it, the top, as an element.
    unsafe fn pair(&mut self, place: Place<'a>, begun: usize, at: c_int) {
        // SAFETY: the state is live, and the slots are there.
        unsafe {
            let Kind::Struct(index) = place.field.kind else { return };
            let owner = &self.schema.types()[index];
            match (place.field.index, owner.pair()) {
                (Index::Pairs, Some((key, value))) => {
                    let item = self.writer().begin_item();
                    let item = self.done(item);
                    self.descend();
                    let mut open = self.writer().open(owner.slots_max);
                    lua_pushvalue(self.l, at);
                    self.field(Place { owner, field: key, element: 0 }, &mut open, at + 2);
                    lua_settop(self.l, at + 1);
                    self.field(Place { owner, field: value, element: 0 }, &mut open, at + 1);
                    self.writer().close(open);
                    self.depth -= 1;
                    self.writer().end(item);
                }
                _ => self.element(place, begun, at + 1),
            }
        }
    }
}
