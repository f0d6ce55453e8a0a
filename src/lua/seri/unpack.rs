//! Bytes to Lua values.
//!
//! Every function here may raise, and none owns anything (rule 2 of the folder): a [`Decoder`] is
//! a cursor into bytes that the caller keeps.

use std::ffi::c_int;
use std::slice;

use mlua::ffi::{self, lua_State};

use super::external;
use super::keys::{self, Keys};
use crate::codec::seri::{DEPTH_MAX, DecodeError, Decoder, Fault, Number, PairCounts, Token};
use crate::lua::heap::{Array, Hash, Key};

/// Pushes all values of a message and returns how many they are.
///
/// Raises a Lua error when the bytes are not a message; they stay the caller's in any case.
///
/// # Safety
/// - `l` is a live Lua state that this thread runs.
/// - `ptr` points to `len` bytes that stay as they are during the call.
/// - No frame between here and the protected call that catches an error owns anything.
pub unsafe fn unpack(l: *mut lua_State, ptr: *const u8, len: usize) -> c_int {
    // SAFETY: the caller's promises.
    unsafe { Unpacker::new(l, ptr, len).values(None) }
}

/// As [`unpack`], for a payload block that the last value may take over.
///
/// When the message ends with a long string, Lua 5.5 can use the bytes in place: the string then
/// owns the block, and frees it when it is collected. Returns the count of values and whether the
/// block was taken. When an error is raised, it was not.
///
/// # Safety
/// - As for [`unpack`].
/// - `ptr` came from the C library's `malloc`, and a NUL stands at `ptr[len]`.
pub unsafe fn unpack_owned(l: *mut lua_State, ptr: *mut u8, len: usize) -> (c_int, bool) {
    // SAFETY: the caller's promises.
    unsafe {
        let mut unpacker = Unpacker::new(l, ptr, len);
        let count = unpacker.values(Some(ptr));
        (count, unpacker.taken)
    }
}

/// The stack slots made sure of at once for the values of a message.
const VALUE_SLOTS: c_int = 16;
/// So many levels of tables share one check of the stack.
const LEVELS_CHECKED: u32 = 4;
/// The stack slots of that many levels: each has a table and a key, and the last a value too or
/// the text of an error.
const LEVELS_SLOTS: c_int = 16;

struct Unpacker<'a> {
    l: *mut lua_State,
    decoder: Decoder<'a>,
    pair_counts: PairCounts,
    /// The keys met so far in this value, if it is a large table.
    keys: Option<Keys<'a>>,
    taken: bool,
}

impl<'a> Unpacker<'a> {
    unsafe fn new(l: *mut lua_State, ptr: *const u8, len: usize) -> Unpacker<'a> {
        // SAFETY: the caller of `unpack` promises the bytes; without bytes any pointer will do.
        let bytes = if len == 0 { &[] } else { unsafe { slice::from_raw_parts(ptr, len) } };
        Unpacker {
            l,
            decoder: Decoder::new(bytes),
            pair_counts: PairCounts::new(),
            keys: None,
            taken: false,
        }
    }

    /// Pushes all values; `block` is what the last one may take over.
    unsafe fn values(&mut self, block: Option<*mut u8>) -> c_int {
        let mut count = 0;
        // SAFETY: the state is live, and the slots are checked before they are used.
        unsafe {
            while !self.decoder.is_empty() {
                if count % VALUE_SLOTS == 0 {
                    ffi::luaL_checkstack(self.l, VALUE_SLOTS, c"too many values".as_ptr());
                }
                count += 1;
                if let Some(number) = self.decoder.number() {
                    push_number(self.l, number);
                    continue;
                }
                match self.token() {
                    Token::String(text) if self.decoder.is_empty() => self.last(text, block),
                    Token::Table(array_len) if keys::worth_it(self.decoder.rest()) => {
                        self.large_table(array_len);
                    }
                    token => self.push(token, 0),
                }
            }
        }
        count
    }

    /// Makes a table of the outermost level that may repeat keys.
    unsafe fn large_table(&mut self, array_len: u64) {
        // SAFETY: the state is live, and a slot is free.
        unsafe {
            self.keys = Some(Keys::new(self.l));
            self.table(array_len, 1);
            if let Some(keys) = self.keys.take() {
                keys.replace_by_top(self.l);
            }
        }
    }

    /// Pushes the string that ends the message.
    #[inline]
    unsafe fn last(&mut self, text: &[u8], block: Option<*mut u8>) {
        // SAFETY: the state is live with a free slot; `unpack_owned` promises the block.
        unsafe {
            self.taken = block.is_some_and(|block| external::push_owned(self.l, block, text));
            if !self.taken {
                push_text(self.l, text);
            }
        }
    }

    /// Reads the next item, or raises.
    #[inline(always)]
    unsafe fn token(&mut self) -> Token<'a> {
        match self.decoder.token() {
            Ok(token) => token,
            // SAFETY: the state is live and nothing is owned.
            Err(error) => unsafe { raise(self.l, error) },
        }
    }

    /// Pushes the value that a token begins, at the nesting level `depth`.
    #[inline(always)]
    unsafe fn push(&mut self, token: Token<'_>, depth: u32) {
        // SAFETY: the state is live, and a slot is free.
        unsafe {
            match token {
                Token::Integer(value) => ffi::lua_pushinteger(self.l, value),
                Token::Float(value) => ffi::lua_pushnumber(self.l, value),
                Token::String(text) => push_text(self.l, text),
                Token::Table(array_len) => self.table(array_len, depth + 1),
                Token::Boolean(value) => ffi::lua_pushboolean(self.l, value as c_int),
                Token::Nil => ffi::lua_pushnil(self.l),
                Token::Pointer(address) => {
                    let address = std::ptr::with_exposed_provenance_mut(address as usize);
                    ffi::lua_pushlightuserdata(self.l, address);
                }
            }
        }
    }

    /// Pushes the next value, at the level `depth`.
    #[inline(always)]
    unsafe fn next(&mut self, depth: u32) {
        // SAFETY: the state is live, and a slot is free.
        unsafe {
            match self.decoder.number() {
                Some(number) => push_number(self.l, number),
                None => self.next_slow(depth),
            }
        }
    }

    /// As `next`, for a value that is no number.
    #[inline(never)]
    unsafe fn next_slow(&mut self, depth: u32) {
        // SAFETY: the state is live, and a slot is free.
        unsafe {
            let token = self.token();
            self.push(token, depth);
        }
    }

    /// Makes a table whose values are at the level `depth`.
    unsafe fn table(&mut self, array_len: u64, depth: u32) {
        let l = self.l;
        // SAFETY: the state is live, and the slots are checked before they are used.
        unsafe {
            if depth % LEVELS_CHECKED == 1 {
                ffi::luaL_checkstack(l, LEVELS_SLOTS, c"too deep table".as_ptr());
            }
            if depth > DEPTH_MAX {
                return self.empty_table(array_len);
            }
            let (array_slots, pair_slots) = self.sizes(array_len, depth);
            ffi::lua_createtable(l, array_slots, pair_slots);
            if array_len > 0 {
                self.fill_array(array_len, depth);
            }
            let hash = Hash::of_top(l, pair_slots);
            while self.pair(hash, depth) {}
        }
    }

    /// Makes the table that may stand one level below the deepest value: it must be empty.
    #[cold]
    unsafe fn empty_table(&mut self, array_len: u64) {
        // SAFETY: the state is live, and the slots were checked.
        unsafe {
            ffi::lua_createtable(self.l, 0, 0);
            if self.token() != Token::Nil || array_len > 0 {
                raise(self.l, self.decoder.error(Fault::TooDeep));
            }
        }
    }

    /// Reads a pair into the table on the top of the stack; false at the table's end.
    #[inline(always)]
    unsafe fn pair(&mut self, hash: Option<Hash>, depth: u32) -> bool {
        // SAFETY: the state is live, and two slots are free.
        unsafe {
            if let Some(key) = self.decoder.short_string() {
                self.field(hash, key, depth);
                return true;
            }
            let key = self.token();
            if key == Token::Nil {
                return false;
            }
            self.push(key, depth);
            self.next(depth);
            ffi::lua_rawset(self.l, -3);
        }
        true
    }

    /// Reads the value of a short key into the table on the top of the stack.
    #[inline(always)]
    unsafe fn field(&mut self, hash: Option<Hash>, text: &'a [u8], depth: u32) {
        // SAFETY: the state is live, and three slots are free.
        unsafe {
            let Some(hash) = hash else {
                push_text(self.l, text);
                self.next(depth);
                return ffi::lua_rawset(self.l, -3);
            };
            match self.keys.as_mut().and_then(|keys| keys.find(text)) {
                Some((key, slot)) => self.known_field(hash, key, slot, depth),
                None => self.new_field(hash, text, depth),
            }
        }
    }

    /// Reads the value of a key that the stack holds at the index `slot`.
    #[inline(always)]
    unsafe fn known_field(&mut self, hash: Hash, key: Key, slot: c_int, depth: u32) {
        let l = self.l;
        // SAFETY: the state is live, and three slots are free.
        unsafe {
            match self.decoder.number() {
                Some(number) if hash.put_number(key, number) => return,
                Some(number) => push_number(l, number),
                None => {
                    self.next_slow(depth);
                    if hash.put_top(l, key) {
                        return ffi::lua_settop(l, -2);
                    }
                }
            }
            ffi::lua_pushvalue(l, slot);
            ffi::lua_rotate(l, -2, 1);
            ffi::lua_rawset(l, -3);
        }
    }

    /// Reads the value of a key that must be interned.
    #[inline(always)]
    unsafe fn new_field(&mut self, hash: Hash, text: &'a [u8], depth: u32) {
        let l = self.l;
        // SAFETY: the state is live, and two slots are free. The key is on the stack while it is
        // used, below the value.
        unsafe {
            let key = Key::of_content(ffi::lua_pushlstring(l, text.as_ptr().cast(), text.len()));
            if let Some(keys) = &mut self.keys {
                keys.remember(l, text, key);
            }
            match self.decoder.number() {
                Some(number) if hash.put_number(key, number) => return ffi::lua_settop(l, -2),
                Some(number) => push_number(l, number),
                None => {
                    self.next_slow(depth);
                    if hash.put_top(l, key) {
                        return ffi::lua_settop(l, -3);
                    }
                }
            }
            ffi::lua_rawset(l, -3);
        }
    }

    /// Reads the array values of the new table on the top of the stack.
    unsafe fn fill_array(&mut self, array_len: u64, depth: u32) {
        // SAFETY: the state is live, and a slot is free. The table keeps the size that it was made
        // with while positions in that size are set, and they are set in rising order.
        unsafe {
            let array = Array::of_top(self.l);
            let mut position = 1;
            while position <= array_len {
                position = array.set_numbers(position, &mut self.decoder);
                if position <= array_len {
                    self.next(depth);
                    ffi::lua_rawseti(self.l, -2, position as i64);
                    position += 1;
                }
            }
        }
    }

    /// Returns how many slots of either part to make at once. Each is bounded by the bytes.
    #[inline]
    fn sizes(&mut self, array_len: u64, depth: u32) -> (c_int, c_int) {
        let pairs = self.pair_counts.of_next(&self.decoder, array_len, depth);
        let array = self.decoder.reserve(array_len);
        (c_int::try_from(array).unwrap_or(c_int::MAX), c_int::try_from(pairs).unwrap_or(c_int::MAX))
    }
}

#[inline(always)]
unsafe fn push_number(l: *mut lua_State, number: Number) {
    // SAFETY: the state is live, and a slot is free.
    unsafe {
        match number {
            Number::Integer(value) => ffi::lua_pushinteger(l, value),
            Number::Float(value) => ffi::lua_pushnumber(l, value),
        }
    }
}

#[inline(always)]
unsafe fn push_text(l: *mut lua_State, text: &[u8]) {
    // SAFETY: the state is live, and a slot is free.
    unsafe { ffi::lua_pushlstring(l, text.as_ptr().cast(), text.len()) };
}

/// Raises the Lua error for malformed bytes.
#[cold]
#[inline(never)]
unsafe fn raise(l: *mut lua_State, error: DecodeError) -> ! {
    let format = c"Invalid serialize stream %I (line:%d)";
    // SAFETY: the state is live, and the arguments match the format.
    unsafe { ffi::luaL_error(l, format.as_ptr(), error.left as i64, error.fault as c_int) };
    unreachable!("luaL_error does not return")
}
