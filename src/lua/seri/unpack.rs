//! Bytes to Lua values.
//!
//! Every function here may raise, and none owns anything (rule 2 of the folder): a [`Decoder`] is
//! a cursor into bytes that the caller keeps.

use std::ffi::c_int;
use std::slice;

use mlua::ffi::{self, lua_State};

use super::external;
use super::heap::{Array, Plain};
use crate::codec::seri::{DEPTH_MAX, DecodeError, Decoder, Fault, Token};

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
/// The stack slots that one level of tables takes: the table, a key and a value, or the text of
/// an error.
const TABLE_SLOTS: c_int = 5;
/// In front of a longer array the pairs of a table are not counted ahead: looking through all its
/// values would cost more than growing the hash part.
const ARRAY_LEN_MAX_TO_COUNT: u64 = 32;

struct Unpacker<'a> {
    l: *mut lua_State,
    decoder: Decoder<'a>,
    taken: bool,
}

impl Unpacker<'_> {
    unsafe fn new<'a>(l: *mut lua_State, ptr: *const u8, len: usize) -> Unpacker<'a> {
        // SAFETY: the caller of `unpack` promises the bytes; without bytes any pointer will do.
        let bytes = if len == 0 { &[] } else { unsafe { slice::from_raw_parts(ptr, len) } };
        Unpacker { l, decoder: Decoder::new(bytes), taken: false }
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
                match (self.token(), block) {
                    (Token::String(text), Some(block)) if self.decoder.is_empty() => {
                        self.last_string(text, block);
                    }
                    (token, _) => self.push(token, 0),
                }
            }
        }
        count
    }

    /// Pushes the string that ends the message.
    unsafe fn last_string(&mut self, text: &[u8], block: *mut u8) {
        // SAFETY: the state is live with a free slot; `unpack_owned` promises the block.
        unsafe {
            self.taken = external::push_owned(self.l, block, text);
            if !self.taken {
                self.push(Token::String(text), 0);
            }
        }
    }

    /// Reads the next item, or raises.
    #[inline(always)]
    fn token(&mut self) -> Token<'static> {
        match self.decoder.token() {
            // SAFETY: the bytes outlive the unpacker, which hands no token out.
            Ok(token) => unsafe { std::mem::transmute::<Token<'_>, Token<'static>>(token) },
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
                Token::String(text) => {
                    ffi::lua_pushlstring(self.l, text.as_ptr().cast(), text.len());
                }
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

    /// Makes a table whose values are at the level `depth`.
    unsafe fn table(&mut self, array_len: u64, depth: u32) {
        let l = self.l;
        // SAFETY: the state is live, and the slots are checked before they are used.
        unsafe {
            ffi::luaL_checkstack(l, TABLE_SLOTS, c"too deep table".as_ptr());
            let (array_slots, pair_slots) = self.sizes(array_len, depth);
            ffi::lua_createtable(l, array_slots, pair_slots);
            self.fill_array(array_len, depth);
            loop {
                let key = self.token();
                if key == Token::Nil {
                    return;
                }
                self.check_depth(depth);
                self.push(key, depth);
                self.checked(depth);
                ffi::lua_rawset(l, -3);
            }
        }
    }

    /// Reads the array values of the new table on the top of the stack.
    #[inline(always)]
    unsafe fn fill_array(&mut self, array_len: u64, depth: u32) {
        // SAFETY: the state is live, and `table` checked the slots; the table keeps the size that
        // it was made with, since each position in that size is set once.
        unsafe {
            let mut array = Array::of_top(self.l);
            for position in 1..=array_len {
                let token = self.token();
                self.check_depth(depth);
                let plain = match token {
                    Token::Integer(value) => Plain::Integer(value),
                    Token::Float(value) => Plain::Float(value),
                    Token::Boolean(value) => Plain::Boolean(value),
                    _ => {
                        self.push(token, depth);
                        ffi::lua_rawseti(self.l, -2, position as i64);
                        continue;
                    }
                };
                if !array.set(position, plain) {
                    self.push(token, depth);
                    ffi::lua_rawseti(self.l, -2, position as i64);
                }
            }
        }
    }

    /// Pushes the next value after a look at its level.
    #[inline(always)]
    unsafe fn checked(&mut self, depth: u32) {
        let token = self.token();
        self.check_depth(depth);
        // SAFETY: the state is live, and a slot is free.
        unsafe { self.push(token, depth) }
    }

    #[inline(always)]
    fn check_depth(&self, depth: u32) {
        if depth > DEPTH_MAX {
            // SAFETY: the state is live and nothing is owned.
            unsafe { raise(self.l, self.decoder.error(Fault::TooDeep)) }
        }
    }

    /// Returns how many slots of either part to make at once. Each is bounded by the bytes.
    #[inline]
    fn sizes(&mut self, array_len: u64, depth: u32) -> (c_int, c_int) {
        let pairs = match array_len {
            0..=ARRAY_LEN_MAX_TO_COUNT => self.decoder.count_pairs(array_len, depth),
            _ => 0,
        };
        let array = self.decoder.reserve(array_len);
        (c_int::try_from(array).unwrap_or(c_int::MAX), c_int::try_from(pairs).unwrap_or(c_int::MAX))
    }
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
