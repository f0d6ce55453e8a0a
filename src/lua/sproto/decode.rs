//! Messages to tables.
//!
//! Every function may raise, and none owns anything: [`Fields`] and its like are cursors into bytes
//! that Lua keeps.

use std::ffi::{CStr, c_int};
use std::ptr;

use mlua::ffi::{
    LUA_TNIL, LUA_TTABLE, lua_State, lua_createtable, lua_getiuservalue, lua_gettop, lua_insert,
    lua_pushboolean, lua_pushinteger, lua_pushnumber, lua_pushvalue, lua_rawget, lua_rawset,
    lua_rawseti, lua_settable, lua_settop, lua_tolstring, lua_topointer, lua_type,
    lua_upvalueindex, luaL_checkinteger, luaL_checkstack, luaL_error,
};

use super::handle::{push_name, type_at};
use super::packing::check_block;
use crate::codec::seri::Number;
use crate::codec::sproto::{
    DEPTH_MAX, Field, Fields, Index, Items, Kind, Malformed, Numbers, Schema, Slot, Type, boolean,
    double, integer,
};
use crate::lua::bytes::{check_bytes, push_bytes, raise_text};
use crate::lua::heap::{Array, Hash, Key, Table, trusted};

/// `decode(type, bytes [, table]) -> table, size`, or with a pointer and a size for the bytes.
pub(super) unsafe extern "C-unwind" fn decode(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this with the upvalues that `open` gave. The handle and the bytes stay
    // where they are.
    unsafe {
        let handle = type_at(l, 1, lua_upvalueindex(2));
        if handle.is_null() {
            return 0;
        }
        let bytes = check_block(l, 2);
        let given = lua_gettop(l);
        let names = given + 1;
        lua_getiuservalue(l, 1, 1);
        let schema: *const Schema = (*handle).schema();
        let mut decoder = Decoder::new(l, &*schema, names);
        let owner = (*handle).type_of();
        let rest = if given > 2 && lua_type(l, given) == LUA_TTABLE {
            lua_pushvalue(l, given);
            let mut fields = decoder.fields(bytes);
            decoder.fill(owner, &mut fields, Target::Foreign);
            fields.rest()
        } else {
            decoder.one_struct(owner, bytes)
        };
        lua_pushinteger(l, (bytes.len() - rest.len()) as i64);
        2
    }
}

/// `decode_behind(type, bytes, start) -> table`: a message that begins behind `start` bytes.
pub(super) unsafe extern "C-unwind" fn decode_behind(l: *mut lua_State) -> c_int {
    // SAFETY: as `decode`.
    unsafe {
        let handle = type_at(l, 1, lua_upvalueindex(2));
        let bytes = check_bytes(l, 2);
        let start = usize::try_from(luaL_checkinteger(l, 3)).unwrap_or(usize::MAX);
        if handle.is_null() {
            return 0;
        }
        lua_settop(l, 3);
        lua_getiuservalue(l, 1, 1);
        let schema: *const Schema = (*handle).schema();
        let mut decoder = Decoder::new(l, &*schema, 4);
        decoder.one_struct((*handle).type_of(), bytes.get(start..).unwrap_or_default());
        1
    }
}

/// The slots that one struct takes.
const SLOTS: c_int = 10;

/// The table that fields are set in, on the top of the stack.
#[derive(Clone, Copy)]
enum Target {
    /// One that was just made; with its hash part, if that may be filled without the API.
    New(Option<Hash>),
    /// One of the caller's, which may have a `__newindex`.
    Foreign,
}

struct Decoder<'a> {
    l: *mut lua_State,
    schema: &'a Schema,
    /// Where the table of names stands.
    names: c_int,
    /// The same table; null when only the API may read it.
    names_table: *const Table,
    depth: u32,
}

impl<'a> Decoder<'a> {
    unsafe fn new(l: *mut lua_State, schema: &'a Schema, names: c_int) -> Self {
        // SAFETY: the state is live, and the table stays where it is.
        let table = unsafe { if trusted() { lua_topointer(l, names) } else { ptr::null() } };
        Self { l, schema, names, names_table: table.cast(), depth: 0 }
    }

    /// Returns the name of a field, if it was used before.
    #[inline(always)]
    unsafe fn known_name(&self, field: &Field) -> Option<Key> {
        // SAFETY: the table is on the stack, its layout is trusted, and it keeps the name alive.
        unsafe { self.names_table.as_ref()?.key(field.key) }
    }

    #[inline]
    unsafe fn sound<T>(&self, result: Result<T, Malformed>) -> T {
        match result {
            Ok(value) => value,
            // SAFETY: the state is live, and nothing is owned.
            Err(Malformed) => unsafe { raise_text(self.l, c"decode error") },
        }
    }

    unsafe fn fields(&self, bytes: &'a [u8]) -> Fields<'a> {
        // SAFETY: as `sound`.
        unsafe { self.sound(Fields::read(bytes)) }
    }

    /// Pushes a struct; returns what is behind it.
    unsafe fn one_struct(&mut self, owner: &Type, bytes: &'a [u8]) -> &'a [u8] {
        let l = self.l;
        // SAFETY: the state is live; slots are checked before they are used.
        unsafe {
            if self.depth > DEPTH_MAX {
                raise_text(l, c"The table is too deep");
            }
            self.depth += 1;
            luaL_checkstack(l, SLOTS, c"too deep".as_ptr());
            let mut fields = self.fields(bytes);
            let count = fields.count().min(owner.fields.len());
            lua_createtable(l, 0, count as c_int);
            let hash = Hash::of_top(l, count as c_int);
            self.fill(owner, &mut fields, Target::New(hash));
            self.depth -= 1;
            fields.rest()
        }
    }

    /// Pushes a struct that is as long as its bytes.
    unsafe fn whole_struct(&mut self, index: usize, bytes: &'a [u8]) {
        // SAFETY: as `one_struct`.
        unsafe {
            let schema = self.schema;
            let rest = self.one_struct(&schema.types()[index], bytes);
            self.sound(if rest.is_empty() { Ok(()) } else { Err(Malformed) });
        }
    }

    /// Sets the fields of the table on the top of the stack.
    unsafe fn fill(&mut self, owner: &Type, fields: &mut Fields<'a>, target: Target) {
        let mut known = owner.fields.iter().peekable();
        // SAFETY: the state is live, and three slots are free.
        unsafe {
            while let Some((tag, slot)) = self.sound(fields.next_field()) {
                while known.next_if(|field| u32::from(field.tag) < tag).is_some() {}
                if let Some(field) = known.next_if(|field| u32::from(field.tag) == tag) {
                    self.set(field, slot, target);
                }
            }
        }
    }

    unsafe fn set(&mut self, field: &Field, slot: Slot<'a>, target: Target) {
        let l = self.l;
        // SAFETY: the state is live, and three slots are free; a new table is on the top.
        unsafe {
            if let Target::New(Some(hash)) = target
                && let Some(name) = self.known_name(field)
            {
                if self.set_number(field, slot, hash, name) {
                    return;
                }
                self.field(field, slot);
                if hash.put_top(l, name) {
                    return lua_settop(l, -2);
                }
            } else {
                self.field(field, slot);
            }
            push_name(l, self.names, field.key, &field.name);
            lua_insert(l, -2);
            match target {
                Target::New(_) => lua_rawset(l, -3),
                Target::Foreign => lua_settable(l, -3),
            }
        }
    }

    /// Sets a field that is a number; false when it is none, or must be set through the API.
    #[inline(always)]
    unsafe fn set_number(&self, field: &Field, slot: Slot<'a>, hash: Hash, name: Key) -> bool {
        if field.index != Index::Single {
            return false;
        }
        // SAFETY: the state is live; the table and the name are alive.
        unsafe {
            let number = match field.kind {
                Kind::Integer => Number::Integer(self.sound(integer(slot))),
                Kind::Decimal(digits) => decimal(self.sound(integer(slot)), digits),
                Kind::Double => Number::Float(self.sound(double(slot))),
                _ => return false,
            };
            hash.put_number(name, number)
        }
    }

    /// Pushes the value of a field.
    unsafe fn field(&mut self, field: &Field, slot: Slot<'a>) {
        // SAFETY: the state is live, and two slots are free.
        unsafe {
            match (field.index, slot) {
                (Index::Single, slot) => self.value(field.kind, slot),
                (_, Slot::Inline(_)) => self.sound(Err(Malformed)),
                (Index::List, Slot::Data(bytes)) => self.list(field.kind, bytes),
                (Index::Key(tag), Slot::Data(bytes)) => self.by_key(field, tag, bytes),
                (Index::Pairs, Slot::Data(bytes)) => self.by_pairs(field, bytes),
            }
        }
    }

    #[inline]
    unsafe fn value(&mut self, kind: Kind, slot: Slot<'a>) {
        let l = self.l;
        // SAFETY: the state is live, and a slot is free.
        unsafe {
            match (kind, slot) {
                (Kind::Integer, slot) => lua_pushinteger(l, self.sound(integer(slot))),
                (Kind::Decimal(digits), slot) => {
                    push_number(l, decimal(self.sound(integer(slot)), digits));
                }
                (Kind::Boolean, slot) => lua_pushboolean(l, self.sound(boolean(slot)).into()),
                (Kind::Double, slot) => lua_pushnumber(l, self.sound(double(slot))),
                (Kind::String | Kind::Binary, Slot::Data(bytes)) => push_bytes(l, bytes),
                (Kind::Struct(index), Slot::Data(bytes)) => self.whole_struct(index, bytes),
                _ => self.sound(Err(Malformed)),
            }
        }
    }

    unsafe fn list(&mut self, kind: Kind, bytes: &'a [u8]) {
        let l = self.l;
        // SAFETY: the state is live, and three slots are free.
        unsafe {
            match kind {
                Kind::Integer | Kind::Decimal(_) | Kind::Double => self.numbers(kind, bytes),
                Kind::Boolean => {
                    lua_createtable(l, capacity(bytes.len()), 0);
                    for (position, byte) in (1..).zip(bytes) {
                        lua_pushboolean(l, c_int::from(*byte != 0));
                        lua_rawseti(l, -2, position);
                    }
                }
                Kind::String | Kind::Binary | Kind::Struct(_) => {
                    let mut items = Items::new(bytes);
                    lua_createtable(l, capacity(items.count()), 0);
                    for position in 1.. {
                        let Some(item) = self.sound(items.next_item()) else { return };
                        self.value(kind, Slot::Data(item));
                        lua_rawseti(l, -2, position);
                    }
                }
            }
        }
    }

    unsafe fn numbers(&mut self, kind: Kind, bytes: &'a [u8]) {
        let l = self.l;
        // SAFETY: the state is live, and three slots are free.
        unsafe {
            let numbers = self.sound(Numbers::read(bytes));
            lua_createtable(l, capacity(numbers.count()), 0);
            let array = Array::of_top(l);
            match numbers {
                Numbers::Narrow([_, ..]) if kind == Kind::Double => self.sound(Err(Malformed)),
                Numbers::Narrow(elements) => {
                    for (position, element) in (1..).zip(elements) {
                        let number = number_of(kind, i32::from_le_bytes(*element).into());
                        set_element(l, &array, position, number);
                    }
                }
                Numbers::Wide(elements) => {
                    for (position, element) in (1..).zip(elements) {
                        let number = number_of(kind, i64::from_le_bytes(*element));
                        set_element(l, &array, position, number);
                    }
                }
            }
        }
    }

    /// Pushes structs as a table by the field with the tag `tag`.
    unsafe fn by_key(&mut self, field: &Field, tag: u16, bytes: &'a [u8]) {
        let (l, schema) = (self.l, self.schema);
        let Kind::Struct(index) = field.kind else { return };
        let key = schema.types()[index].fields.iter().find(|field| field.tag == tag);
        // SAFETY: the state is live, and five slots are free.
        unsafe {
            let mut items = Items::new(bytes);
            lua_createtable(l, 0, capacity(items.count()));
            while let Some(item) = self.sound(items.next_item()) {
                self.whole_struct(index, item);
                match key {
                    Some(key) => {
                        push_name(l, self.names, key.key, &key.name);
                        lua_rawget(l, -2);
                    }
                    None => mlua::ffi::lua_pushnil(l),
                }
                if lua_type(l, -1) == LUA_TNIL {
                    self.no_key(field, tag);
                }
                lua_insert(l, -2);
                lua_rawset(l, -3);
            }
        }
    }

    /// Pushes structs of two fields as pairs of a key and a value.
    unsafe fn by_pairs(&mut self, field: &Field, bytes: &'a [u8]) {
        let l = self.l;
        let Kind::Struct(index) = field.kind else { return };
        // SAFETY: the state is live, and five slots are free.
        unsafe {
            let mut items = Items::new(bytes);
            lua_createtable(l, 0, capacity(items.count()));
            while let Some(item) = self.sound(items.next_item()) {
                self.pair(field, index, item);
                lua_rawset(l, -3);
            }
        }
    }

    /// Pushes the key and the value of a pair.
    unsafe fn pair(&mut self, field: &Field, index: usize, item: &'a [u8]) {
        let l = self.l;
        // SAFETY: the state is live, and four slots are free.
        unsafe {
            let schema = self.schema;
            let Some((key, value)) = schema.types()[index].pair() else {
                return self.sound(Err(Malformed));
            };
            let (mut key_slot, mut value_slot) = (None, None);
            let mut fields = self.fields(item);
            while let Some((tag, slot)) = self.sound(fields.next_field()) {
                if tag == u32::from(key.tag) {
                    key_slot = Some(slot);
                } else if tag == u32::from(value.tag) {
                    value_slot = Some(slot);
                }
            }
            self.sound(if fields.rest().is_empty() { Ok(()) } else { Err(Malformed) });
            luaL_checkstack(l, SLOTS, c"too deep".as_ptr());
            match key_slot {
                Some(slot) => self.field(key, slot),
                None => self.missing(field, c"Can't find key field in [%s]"),
            }
            match value_slot {
                Some(slot) => self.field(value, slot),
                None => self.missing(field, c"Can't find value field in [%s]"),
            }
        }
    }

    #[cold]
    unsafe fn missing(&self, field: &Field, format: &'static CStr) -> ! {
        let l = self.l;
        // SAFETY: the state is live, and the argument matches the format.
        unsafe {
            push_bytes(l, &field.name);
            luaL_error(l, format.as_ptr(), lua_tolstring(l, -1, ptr::null_mut()));
        }
        unreachable!("luaL_error does not return")
    }

    #[cold]
    unsafe fn no_key(&self, field: &Field, tag: u16) -> ! {
        let l = self.l;
        // SAFETY: as `missing`.
        unsafe {
            push_bytes(l, &field.name);
            let name = lua_tolstring(l, -1, ptr::null_mut());
            let format = c"Can't find main index (tag=%d) in [%s]".as_ptr();
            luaL_error(l, format, c_int::from(tag), name);
        }
        unreachable!("luaL_error does not return")
    }
}

/// A count that comes from bytes, as a size of a table.
fn capacity(count: usize) -> c_int {
    c_int::try_from(count).unwrap_or(c_int::MAX)
}

/// Sets a number in the new array on the top of the stack.
#[inline(always)]
unsafe fn set_element(l: *mut lua_State, array: &Array, position: u32, number: Number) {
    // SAFETY: a slot is free, and the table was made with room for all of its elements.
    unsafe {
        if !array.set_number(position, number) {
            push_number(l, number);
            lua_rawseti(l, -2, position.into());
        }
    }
}

#[inline(always)]
fn number_of(kind: Kind, bits: i64) -> Number {
    match kind {
        Kind::Decimal(digits) => decimal(bits, digits),
        Kind::Double => Number::Float(f64::from_bits(bits as u64)),
        _ => Number::Integer(bits),
    }
}

fn decimal(value: i64, digits: u8) -> Number {
    Number::Float(value as f64 / 10f64.powi(digits.into()))
}

unsafe fn push_number(l: *mut lua_State, number: Number) {
    // SAFETY: a slot is free.
    unsafe {
        match number {
            Number::Integer(value) => lua_pushinteger(l, value),
            Number::Float(value) => lua_pushnumber(l, value),
        }
    }
}
