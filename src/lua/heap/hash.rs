//! Putting pairs into the hash part of a table that was just made with room for them.
//!
//! `lua_rawset` looks the key up, fails to find it, looks for its place, and does all that again
//! for every pair of every record of a message. Here a pair is put where `lua_rawset` would put
//! it: into the main position of its key; if a key that belongs there has it, into a free place
//! that is chained to it; and if the key there belongs elsewhere, that one moves to the free place.
//!
//! Only the plain case is done: a string of the intern table as key, a value that is not nil, a
//! free place, and neighbours that are strings too. The rest is declined and left to `lua_rawset`.
//! A table that the collector has finished with (black) is declined as well, since a reference
//! stored into it needs a barrier; into any other it needs none.

use std::ffi::{c_char, c_int};

use mlua::ffi::lua_State;

use super::{Node, Slot, Table, Text, is_nil, slot_of, tag, top_slot, top_table, trusted};
use crate::codec::seri::Number;

/// The bit of an object's mark that says that the collector has finished with it.
const BLACK: u8 = 1 << 5;
/// The flags of a table that say which metamethods it is known to lack.
const ABSENT_METAMETHODS: u8 = 0x3f;

/// The hash part of a table that was just made.
#[derive(Clone, Copy)]
pub(in crate::lua) struct Hash(*mut Table);

/// A string that Lua has interned. It stays alive while this is used.
#[derive(Clone, Copy)]
pub(in crate::lua) struct Key(pub(super) *const Text);

impl Key {
    /// Takes the string that Lua just interned for a short text.
    ///
    /// # Safety
    /// `content` is what `lua_pushlstring` returned for at most 40 bytes, and the layout is
    /// trusted.
    #[inline(always)]
    pub(in crate::lua) unsafe fn of_content(content: *const c_char) -> Key {
        // SAFETY: the bytes of a short string lie in its object.
        Key(unsafe { Text::of_short(content.cast()) })
    }

    /// Which place of a power-of-two table it belongs to.
    #[inline(always)]
    pub(super) unsafe fn place(self, count: usize) -> usize {
        // SAFETY: the string is alive; a short string always has its hash.
        unsafe { (*self.0).hash as usize & (count - 1) }
    }
}

impl Table {
    /// Tells whether the collector has finished with the table.
    #[inline(always)]
    pub(super) fn is_black(&self) -> bool {
        self.mark & BLACK != 0
    }
}

impl Hash {
    /// Takes the hash part of the table on the top of the stack, when it was made with room for
    /// pairs and the layout is trusted.
    ///
    /// # Safety
    /// A table that no Lua code has seen is on the top of a live state.
    #[inline(always)]
    pub(in crate::lua) unsafe fn of_top(l: *mut lua_State, room: c_int) -> Option<Hash> {
        if room == 0 || !trusted() {
            return None;
        }
        // SAFETY: the value is a table, whose layout is trusted.
        unsafe { Some(Hash::of_table(top_table(l))) }
    }

    /// # Safety
    /// The table is alive, no Lua code has seen it, and its layout is as the mirror says.
    #[inline(always)]
    pub(super) unsafe fn of_table(table: *mut Table) -> Hash {
        // A new table is known to lack all metamethods; with the first pair that is not so.
        // SAFETY: the caller's promises.
        unsafe { (*table).flags &= !ABSENT_METAMETHODS };
        Hash(table)
    }

    /// Puts a pair with a number; false, and nothing changes, when it declines.
    ///
    /// # Safety
    /// The table and the key are alive.
    #[inline(always)]
    pub(in crate::lua) unsafe fn put_number(self, key: Key, number: Number) -> bool {
        // SAFETY: the caller's promises.
        unsafe { self.put(key, slot_of(number)) }
    }

    /// Puts a pair whose value is on the top of the stack; false, and nothing changes, when it
    /// declines.
    ///
    /// # Safety
    /// The table and the key are alive, and a value is on the top of the state's stack.
    #[inline(always)]
    pub(in crate::lua) unsafe fn put_top(self, l: *mut lua_State, key: Key) -> bool {
        // SAFETY: the caller's promises; the layout is trusted.
        unsafe {
            let value = top_slot(l);
            !is_nil(value.tag) && self.put(key, value)
        }
    }

    #[inline(always)]
    unsafe fn put(self, key: Key, value: Slot) -> bool {
        // SAFETY: the table is alive. `main` and what is chained to it lie in its nodes.
        unsafe {
            if (*self.0).is_black() || (*self.0).is_dummy() {
                return false;
            }
            let nodes = (*self.0).nodes();
            let count = (*self.0).node_count();
            let main = nodes.add(key.place(count));
            let place = if is_nil((*main).tag) && (*main).next == 0 {
                main
            } else {
                match chained(main, key) {
                    Some(place) => place,
                    None => return self.put_beside(main, nodes, count, key, value),
                }
            };
            fill(place, key, value);
        }
        true
    }

    /// Puts a new pair whose main position is taken, or was once.
    unsafe fn put_beside(
        self,
        main: *mut Node,
        nodes: *mut Node,
        count: usize,
        key: Key,
        value: Slot,
    ) -> bool {
        // SAFETY: all nodes belong to the table; its chains end and stay inside it.
        unsafe {
            let Some(owner) = key_of(main) else { return false };
            if is_nil((*main).tag) {
                return false;
            }
            let Some(free) = Table::free_node(self.0) else { return false };
            let owner_main = nodes.add(owner.place(count));
            if owner_main == main {
                let rest = (*main).next;
                let step = free.offset_from(main) as c_int;
                (*free).next = if rest == 0 { 0 } else { rest - step };
                (*main).next = step;
                fill(free, key, value);
            } else {
                move_away(owner_main, main, free);
                fill(main, key, value);
            }
        }
        true
    }
}

/// Moves the node at `from`, which is in the chain of `main`, to the free place `to`.
unsafe fn move_away(main: *mut Node, from: *mut Node, to: *mut Node) {
    // SAFETY: `from` is in the chain, so the walk along it meets it.
    unsafe {
        let mut before = main;
        while before.offset((*before).next as isize) != from {
            before = before.offset((*before).next as isize);
        }
        (*before).next = to.offset_from(before) as c_int;
        to.write(from.read());
        if (*from).next != 0 {
            (*to).next += from.offset_from(to) as c_int;
            (*from).next = 0;
        }
    }
}

/// Finds the node that has the key, in the chain from `node` on.
#[inline(always)]
pub(super) unsafe fn chained(mut node: *mut Node, key: Key) -> Option<*mut Node> {
    // SAFETY: the chain ends and stays inside the table.
    unsafe {
        loop {
            if (*node).key_tag == tag::SHORT_TEXT && (*node).key_bits.pointer == key.0.cast() {
                return Some(node);
            }
            match (*node).next {
                0 => return None,
                step => node = node.offset(step as isize),
            }
        }
    }
}

/// Returns the key of a node if it is an interned string.
unsafe fn key_of(node: *const Node) -> Option<Key> {
    // SAFETY: the tag says which field was written.
    unsafe { ((*node).key_tag == tag::SHORT_TEXT).then(|| Key((*node).key_bits.pointer.cast())) }
}

#[inline(always)]
unsafe fn fill(node: *mut Node, key: Key, value: Slot) {
    // SAFETY: the node belongs to a live table that is not black.
    unsafe {
        (*node).key_tag = tag::SHORT_TEXT;
        (*node).key_bits.pointer = key.0.cast();
        (*node).bits = value.bits;
        (*node).tag = value.tag;
    }
}
