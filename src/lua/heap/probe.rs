//! Whether the layout that `layout` mirrors is the one this process runs with.
//!
//! The check climbs: first words at fixed offsets are compared with what the API says, and only
//! when they agree are pointers followed. In the end everything that the module offers was
//! compared with the API on one state that is thrown away.

use std::ffi::{CStr, c_int, c_void};
use std::sync::OnceLock;

use mlua::ffi::{self, lua_State};

use super::{Arguments, Array, Hash, Key, Slot, State, Table, Value};
use crate::codec::seri::{Decoder, Number};

static TRUSTED: OnceLock<bool> = OnceLock::new();

/// Tells whether Lua's objects may be looked at. The first call in a process takes some 50
/// microseconds.
#[inline(always)]
pub(in crate::lua) fn trusted() -> bool {
    #[cfg(test)]
    if tests::API_ONLY.get() {
        return false;
    }
    match TRUSTED.get() {
        Some(trusted) => *trusted,
        None => *TRUSTED.get_or_init(probe),
    }
}

/// Runs the checks in a state of their own. Memory errors there mean no trust.
#[cold]
fn probe() -> bool {
    // SAFETY: the state is fresh and closed at the end; what may raise runs in a protected call.
    unsafe {
        let l = ffi::luaL_newstate();
        if l.is_null() {
            return false;
        }
        ffi::lua_pushcclosure(l, checks, 0);
        let ran = ffi::lua_pcallk(l, 0, 1, 0, 0, None) == ffi::LUA_OK;
        let agreed = ran && ffi::lua_toboolean(l, -1) != 0;
        ffi::lua_close(l);
        agreed
    }
}

unsafe extern "C-unwind" fn checks(l: *mut lua_State) -> c_int {
    // SAFETY: Lua calls it with a live state and free slots; nothing here owns anything.
    unsafe {
        let agreed = stack_agrees(l)
            && table_agrees(l)
            && content_agrees(l)
            && array_agrees(l)
            && hash_agrees(l)
            && lookup_agrees(l);
        ffi::lua_settop(l, 0);
        ffi::lua_pushboolean(l, agreed as c_int);
    }
    1
}

/// The top moves with each push, and the arguments lie below it.
unsafe fn stack_agrees(l: *mut lua_State) -> bool {
    // SAFETY: a state is larger than the mirror; its call record is followed when the top agreed.
    unsafe {
        ffi::lua_settop(l, 0);
        let state = l.cast::<State>();
        let bottom = (*state).top;
        ffi::lua_pushinteger(l, 0x5a5a_1234);
        ffi::lua_pushboolean(l, 1);
        if (*state).top.addr() != bottom.addr() + 2 * size_of::<Slot>() || (*state).call.is_null() {
            return false;
        }
        (*(*state).call).function.addr() + size_of::<Slot>() == bottom.addr()
            && matches!(Arguments::of(l).value(1), Value::Integer(0x5a5a_1234))
            && matches!(Arguments::of(l).value(2), Value::Boolean(true))
    }
}

/// The sizes, the parts and the metatable of a table are where the mirror says.
unsafe fn table_agrees(l: *mut lua_State) -> bool {
    // SAFETY: a table is as large as the mirror or is not followed; the stack has free slots.
    unsafe {
        ffi::lua_settop(l, 0);
        ffi::lua_createtable(l, 5, 4);
        let table = ffi::lua_topointer(l, 1).cast::<Table>();
        let bare = (*table).metatable.is_null();
        ffi::lua_createtable(l, 0, 0);
        let metatable = ffi::lua_topointer(l, 2).cast::<Table>();
        ffi::lua_setmetatable(l, 1);
        bare && (*table).metatable == metatable
            && (*table).array_size() == 5
            && (*table).node_count() == 4
            && (*table).nodes().is_aligned()
            && !(*table).nodes().is_null()
            && (*metatable).array_size() == 0
            && (*metatable).node_count() == 1
    }
}

/// The values of a table, of each kind, are found in its two parts.
unsafe fn content_agrees(l: *mut lua_State) -> bool {
    const CHUNK: &CStr = c"local p = ...
        return {7, 2.5, 'short', ('l'):rep(100), false, nil, p, {}, print},
            {key = 'value', [0.5] = true, [-3] = ('k'):rep(64), [p] = 1}";
    // SAFETY: the state is live with free slots; the tables agreed with the mirror.
    unsafe {
        ffi::lua_settop(l, 0);
        ffi::luaL_requiref(l, c"string".as_ptr(), ffi::luaopen_string, 1);
        if ffi::luaL_loadstring(l, CHUNK.as_ptr()) != ffi::LUA_OK {
            return false;
        }
        ffi::lua_pushlightuserdata(l, marker().cast_mut());
        ffi::lua_callk(l, 1, 2, 0, None);
        let array = &*ffi::lua_topointer(l, -2).cast::<Table>();
        let hash = &*ffi::lua_topointer(l, -1).cast::<Table>();
        array.border() == (ffi::lua_rawlen(l, -2) as u32, false)
            && values_agree(array)
            && pairs_agree(hash)
            && hash.border() == (0, true)
    }
}

/// A pointer to tell from others.
fn marker() -> *const c_void {
    (&raw const TRUSTED).cast()
}

unsafe fn values_agree(array: &Table) -> bool {
    // SAFETY: the table has at least these positions.
    unsafe {
        array.array_size() >= 8
            && matches!(array.array_value(1), Value::Integer(7))
            && matches!(array.array_value(2), Value::Float(2.5))
            && matches!(array.array_value(3), Value::String(b"short"))
            && matches!(array.array_value(4), Value::String(text) if text == [b'l'; 100])
            && matches!(array.array_value(5), Value::Boolean(false))
            && matches!(array.array_value(6), Value::Nil)
            && matches!(array.array_value(7), Value::Pointer(pointer) if pointer == marker())
            && matches!(array.array_value(8), Value::Table(inner) if inner.array_size() == 0)
    }
}

unsafe fn pairs_agree(hash: &Table) -> bool {
    let (mut found, mut sum) = (0, 0);
    // SAFETY: nothing changes the table.
    for pair in unsafe { hash.pairs() } {
        found += 1;
        sum += match pair {
            (Value::String(b"key"), Value::String(b"value")) => 1,
            (Value::Float(0.5), Value::Boolean(true)) => 10,
            (Value::Integer(-3), Value::String(text)) if text == [b'k'; 64] => 100,
            (Value::Pointer(pointer), Value::Integer(1)) if pointer == marker() => 1000,
            _ => 0,
        };
    }
    (found, sum) == (4, 1111)
}

/// -5, 0.25, 0x1234 and 5, and enough bytes behind them for a reader in words.
const FOUR_NUMBERS: &[u8] =
    b"\x22\xfb\xff\xff\xff\x42\0\0\0\0\0\0\xd0\x3f\x12\x34\x12\x0a\x05\0\0\0\0\0\0\0\0";

/// What is written into a new array is what the API reads.
unsafe fn array_agrees(l: *mut lua_State) -> bool {
    // SAFETY: the state is live with free slots; the table on the top is new.
    unsafe {
        ffi::lua_settop(l, 0);
        ffi::lua_createtable(l, 3, 0);
        let table = ffi::lua_topointer(l, -1).cast_mut().cast::<Table>();
        let array = Array { table, size: (*table).array_size() };
        let mut decoder = Decoder::new(FOUR_NUMBERS);
        array.set_numbers(1, &mut decoder) == 4
            && !array.set_number(4, Number::Integer(1))
            && array.set_number(3, Number::Integer(0x1234))
            && decoder.number() == Some(Number::Integer(5))
            && ffi::lua_rawgeti(l, 1, 1) == ffi::LUA_TNUMBER
            && ffi::lua_isinteger(l, -1) != 0
            && ffi::lua_tointeger(l, -1) == -5
            && ffi::lua_rawgeti(l, 1, 2) == ffi::LUA_TNUMBER
            && ffi::lua_tonumber(l, -1) == 0.25
            && ffi::lua_rawgeti(l, 1, 3) == ffi::LUA_TNUMBER
            && ffi::lua_tointeger(l, -1) == 0x1234
            && ffi::lua_rawlen(l, 1) == 3
    }
}

/// How many pairs the check puts: enough for every kind of collision.
const PAIRS: c_int = 256;

/// Pairs that are put into a new table are what the API finds, and only those.
unsafe fn hash_agrees(l: *mut lua_State) -> bool {
    // SAFETY: the state is live with free slots; the table is new, and pairs are put when the
    // words that this follows agreed.
    unsafe {
        ffi::lua_settop(l, 0);
        if !mark_agrees(l) {
            return false;
        }
        // A table that turns black meanwhile would be declined, as it should be.
        ffi::lua_gc(l, ffi::LUA_GCSTOP);
        ffi::lua_createtable(l, 0, PAIRS);
        let table = ffi::lua_topointer(l, 1).cast_mut().cast::<Table>();
        let behind_last = (*table).nodes().add(PAIRS as usize);
        if (*table).is_dummy() || *Table::last_free(table) != behind_last {
            return false;
        }
        let hash = Hash::of_table(table);
        (0..PAIRS).all(|value| pair_is_put(l, hash, value))
            && (0..PAIRS).all(|value| pair_is_found(l, value))
            && pair_count(l) == PAIRS
    }
}

/// Objects are black when the collector has entered its generational mode, and new ones are not.
unsafe fn mark_agrees(l: *mut lua_State) -> bool {
    // SAFETY: the state is live with free slots.
    unsafe {
        ffi::lua_createtable(l, 0, 0);
        let table = ffi::lua_topointer(l, -1).cast::<Table>();
        let fresh = !(*table).is_black();
        ffi::lua_gc(l, ffi::LUA_GCGEN, 0, 0);
        let black = (*table).is_black();
        ffi::lua_gc(l, ffi::LUA_GCINC, 0, 0, 0);
        ffi::lua_settop(l, 0);
        fresh && black
    }
}

/// Puts the pair of `value` and its decimal text: first with another value, then with its own.
unsafe fn pair_is_put(l: *mut lua_State, hash: Hash, value: c_int) -> bool {
    // SAFETY: the state is live with free slots; the key is on the stack while it is used.
    unsafe {
        ffi::lua_settop(l, 1);
        ffi::lua_pushinteger(l, value as i64);
        let key = Key::of_content(ffi::lua_tostring(l, 2));
        ffi::lua_pushinteger(l, value as i64);
        hash.put_number(key, Number::Float(0.5)) && hash.put_top(l, key)
    }
}

unsafe fn pair_is_found(l: *mut lua_State, value: c_int) -> bool {
    // SAFETY: the state is live with free slots, and the table is at index 1.
    unsafe {
        ffi::lua_settop(l, 1);
        ffi::lua_pushinteger(l, value as i64);
        ffi::lua_tostring(l, 2);
        ffi::lua_rawget(l, 1) == ffi::LUA_TNUMBER && ffi::lua_tointeger(l, 2) == value as i64
    }
}

unsafe fn pair_count(l: *mut lua_State) -> c_int {
    let mut count = 0;
    // SAFETY: the state is live with free slots, and the table is at index 1.
    unsafe {
        ffi::lua_settop(l, 1);
        ffi::lua_pushnil(l);
        while ffi::lua_next(l, 1) != 0 {
            count += 1;
            ffi::lua_settop(l, 2);
        }
    }
    count
}

/// What the API puts into the hash part of a table is found there, and nothing else.
unsafe fn lookup_agrees(l: *mut lua_State) -> bool {
    // SAFETY: the state is live with free slots, and the table's words agreed; the keys are on the
    // stack while they are used. The table has an array part for the first positions only.
    unsafe {
        ffi::lua_settop(l, 0);
        ffi::lua_createtable(l, 4, 1);
        for value in 1..=PAIRS {
            ffi::lua_pushinteger(l, value.into());
            ffi::lua_tostring(l, 2);
            ffi::lua_pushvalue(l, 2);
            ffi::lua_rawseti(l, 1, (3 * value).into());
            ffi::lua_pushinteger(l, value.into());
            ffi::lua_rawset(l, 1);
        }
        let table = &*ffi::lua_topointer(l, 1).cast::<Table>();
        (1..=PAIRS).all(|value| lookups_agree(l, table, value))
            && matches!(table.element(3 * PAIRS as u32 + 3), Value::Nil)
            && table.key(1).is_none()
    }
}

/// The table has a number at a text, and the text at three times the number.
unsafe fn lookups_agree(l: *mut lua_State, table: &Table, value: c_int) -> bool {
    // SAFETY: as the caller's.
    unsafe {
        ffi::lua_settop(l, 1);
        ffi::lua_pushinteger(l, value.into());
        let text = ffi::lua_tostring(l, 2);
        let bytes = CStr::from_ptr(text).to_bytes();
        let position = 3 * value as u32;
        let found = table.field(Key::of_content(text));
        matches!(found, Value::Integer(found) if found == i64::from(value))
            && matches!(table.element(position), Value::String(found) if found == bytes)
            && matches!(table.element(position + 1), Value::Nil)
            && table.key(position).is_some_and(|key| key.0 == Key::of_content(text).0)
    }
}

#[cfg(test)]
pub(in crate::lua) mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        pub(super) static API_ONLY: Cell<bool> = const { Cell::new(false) };
    }

    /// Runs `work` as if the layout were not known.
    pub(in crate::lua) fn with_api_only<T>(work: impl FnOnce() -> T) -> T {
        API_ONLY.set(true);
        let result = work();
        API_ONLY.set(false);
        result
    }

    /// Says whether the thread works as if the layout were not known.
    pub(in crate::lua) fn set_api_only(only: bool) {
        API_ONLY.set(only);
    }

    #[test]
    fn layout_of_the_lua_in_this_binary_is_known() {
        assert!(trusted());
    }
}
