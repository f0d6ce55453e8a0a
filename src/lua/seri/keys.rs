//! The keys that a large table repeats: records in a list have the same ones over and over.
//!
//! Interning a key costs Lua a hash over its bytes and a comparison. A key that was met before in
//! the same table is found here by its length and two of its bytes instead. The strings found
//! are kept alive by slots of the Lua stack below the table, one slot an entry.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use crate::codec::seri::Decoder;
use crate::lua::heap::Key;

/// How many keys are remembered: two or three kinds of records at a time.
const ENTRIES: usize = 32;
/// A shorter message cannot repeat enough keys to pay for the slots.
const BYTES_MIN: usize = 256;
/// So many keys may be new, beyond those that were found, before no more are looked for.
const PATIENCE: u32 = 64;

/// Tells whether a table may repeat keys, from the bytes behind its head. A list that starts with
/// a number is most likely one of numbers.
#[inline]
pub(super) fn worth_it(content: &[u8]) -> bool {
    content.len() >= BYTES_MIN && Decoder::new(content).number().is_none()
}

#[derive(Clone, Copy)]
struct Entry<'a> {
    text: &'a [u8],
    key: Option<Key>,
}

/// The keys of one large table. It owns nothing: its slots lie on the Lua stack.
pub(super) struct Keys<'a> {
    base: c_int,
    patience: u32,
    entries: [Entry<'a>; ENTRIES],
}

impl<'a> Keys<'a> {
    /// Makes the slots on the top of the stack.
    ///
    /// # Safety
    /// The state is live. May raise.
    pub(super) unsafe fn new(l: *mut lua_State) -> Keys<'a> {
        // SAFETY: the caller's promise; the slots are checked before they are used.
        unsafe {
            ffi::luaL_checkstack(l, ENTRIES as c_int, c"too many values".as_ptr());
            let base = ffi::lua_gettop(l) + 1;
            ffi::lua_settop(l, base - 1 + ENTRIES as c_int);
            let entries = [Entry { text: &[], key: None }; ENTRIES];
            Keys { base, patience: PATIENCE, entries }
        }
    }

    /// Drops the slots and leaves in their place the one value that was pushed since.
    ///
    /// # Safety
    /// The state is live, and one value is above the slots.
    pub(super) unsafe fn replace_by_top(self, l: *mut lua_State) {
        // SAFETY: `base` is the lowest slot, and below the top.
        unsafe {
            ffi::lua_copy(l, -1, self.base);
            ffi::lua_settop(l, self.base);
        }
    }

    /// Finds a key that was met before, with the index of the slot that holds it.
    #[inline(always)]
    pub(super) fn find(&mut self, text: &[u8]) -> Option<(Key, c_int)> {
        if self.patience == 0 {
            return None;
        }
        let first = place_of(text);
        let place = if self.entries[first].text == text { first } else { first ^ 1 };
        let entry = &self.entries[place];
        if entry.text != text {
            return None;
        }
        self.patience = PATIENCE;
        entry.key.map(|key| (key, self.base + place as c_int))
    }

    /// Remembers the key on the top of the stack, in one of its two places.
    ///
    /// # Safety
    /// The state is live, and the string `key`, whose bytes are `text`, is on the top.
    #[inline]
    pub(super) unsafe fn remember(&mut self, l: *mut lua_State, text: &'a [u8], key: Key) {
        if self.patience > 0 {
            self.patience -= 1;
            let first = place_of(text);
            let place = if self.entries[first].key.is_none() { first } else { first ^ 1 };
            self.entries[place] = Entry { text, key: Some(key) };
            // SAFETY: the state is live, and the slot is one that `new` made.
            unsafe { ffi::lua_copy(l, -1, self.base + place as c_int) };
        }
    }
}

/// The first place of a key; the second is its neighbour. The multiplier spreads keys that differ
/// in one byte over all places.
#[inline(always)]
fn place_of(text: &[u8]) -> usize {
    let (first, last) = match text {
        [first, .., last] => (*first, *last),
        [only] => (*only, 0),
        [] => (0, 0),
    };
    let word = u32::from_le_bytes([first, last, text.len() as u8, 0]);
    (word.wrapping_mul(0x9e37_79b1) >> (u32::BITS - ENTRIES.ilog2())) as usize
}
