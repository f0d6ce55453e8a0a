//! Tables and strings of Lua 5.5.

use std::ffi::c_void;
use std::mem::offset_of;
use std::slice;

use super::{Bits, Node, Slot, free_before};

/// A table.
///
/// `array` points between its values, which lie before it in falling order, and a hint for the
/// length operator, behind which lie the tags in rising order.
#[repr(C)]
pub(in crate::lua) struct Table {
    next: *const c_void,
    kind: u8,
    pub(super) mark: u8,
    pub(super) flags: u8,
    node_count_log2: u8,
    array_size: u32,
    array: *mut Bits,
    nodes: *mut Node,
    pub(in crate::lua) metatable: *const Table,
    gray_list: *const c_void,
}

/// The flag of a table without a hash part, which has one node that all such tables share.
const DUMMY: u8 = 1 << 6;
/// From that many nodes on, a table has a word in front of them: any free one lies before it.
const COUNT_MIN_WITH_LAST_FREE: usize = 8;

/// How far from the hint a border is looked for before the search halves.
const VICINITY: u32 = 4;

impl Table {
    #[inline(always)]
    pub(in crate::lua) fn array_size(&self) -> u32 {
        self.array_size
    }

    #[inline(always)]
    pub(super) fn nodes(&self) -> *mut Node {
        self.nodes
    }

    #[inline(always)]
    pub(super) fn node_count(&self) -> usize {
        1 << self.node_count_log2
    }

    #[inline(always)]
    pub(super) fn is_dummy(&self) -> bool {
        self.flags & DUMMY != 0
    }

    /// Finds a node that never had a key.
    ///
    /// # Safety
    /// The table is alive and has nodes of its own.
    pub(super) unsafe fn free_node(this: *mut Table) -> Option<*mut Node> {
        // SAFETY: the walk stays between the first node and the one behind the last.
        unsafe {
            let nodes = (*this).nodes;
            let count = (*this).node_count();
            if count >= COUNT_MIN_WITH_LAST_FREE {
                return free_before(nodes, &mut *Table::last_free(this));
            }
            free_before(nodes, &mut nodes.add(count))
        }
    }

    /// The word in front of the nodes of a table that has one.
    pub(super) unsafe fn last_free(this: *mut Table) -> *mut *mut Node {
        // SAFETY: the caller knows that the word is there.
        unsafe { (*this).nodes.cast::<*mut Node>().sub(1) }
    }

    /// Reads the slot at `index`, counted from 0.
    ///
    /// # Safety
    /// `index` is below the array size, and the table is alive.
    #[inline(always)]
    pub(super) unsafe fn array_slot(&self, index: u32) -> (u8, Bits) {
        let index = index as usize;
        // SAFETY: as many values and tags as the size says lie on either side of `array`.
        unsafe { (*tags(self.array).add(index), *self.array.sub(1 + index)) }
    }

    /// Writes the slot at `index`, counted from 0.
    ///
    /// # Safety
    /// As for `array_slot`; nothing else reads or writes the table meanwhile.
    #[inline(always)]
    pub(super) unsafe fn set_array_slot(this: *mut Table, index: u32, value: Slot) {
        let index = index as usize;
        // SAFETY: as many values and tags as the size says lie on either side of `array`.
        unsafe {
            *tags((*this).array).add(index) = value.tag;
            *(*this).array.sub(1 + index) = value.bits;
        }
    }

    /// Returns the border that the length operator finds in the array part, and whether the
    /// sequence may go on in the hash part.
    #[inline(always)]
    pub(in crate::lua) fn border(&self) -> (u32, bool) {
        let size = self.array_size;
        if size == 0 {
            return (0, true);
        }
        // SAFETY: a table with an array part has the hint at this place.
        let hint = unsafe { *self.array.cast::<u32>() }.clamp(1, size);
        if self.has(hint) { self.border_above(hint) } else { (self.border_below(hint), false) }
    }

    #[inline(always)]
    fn border_above(&self, hint: u32) -> (u32, bool) {
        let size = self.array_size;
        let near = size.min(hint + VICINITY);
        for next in hint + 1..=near {
            if !self.has(next) {
                return (next - 1, false);
            }
        }
        if self.has(size) { (size, true) } else { (self.border_between(near, size), false) }
    }

    #[cold]
    fn border_below(&self, hint: u32) -> u32 {
        let near = hint.saturating_sub(VICINITY).max(1);
        for before in (near..hint).rev() {
            if self.has(before) {
                return before;
            }
        }
        self.border_between(0, near)
    }
}

/// The first tag of an array.
#[inline(always)]
unsafe fn tags(array: *mut Bits) -> *mut u8 {
    // SAFETY: the hint, a 32-bit word, lies between `array` and the tags.
    unsafe { array.cast::<u8>().add(size_of::<u32>()) }
}

/// A string.
#[repr(C)]
pub(super) struct Text {
    next: *const c_void,
    kind: u8,
    mark: u8,
    extra: u8,
    short_len: i8,
    pub(super) hash: u32,
    long_len: usize,
    /// Where a long string's bytes are; a short string's bytes begin in this place.
    contents: *const u8,
}

impl Text {
    /// The short string whose bytes begin at `content`.
    #[inline(always)]
    pub(super) unsafe fn of_short(content: *const u8) -> *const Text {
        // SAFETY: the bytes lie in the object, at this distance from its start.
        unsafe { content.sub(offset_of!(Text, contents)).cast() }
    }

    /// # Safety
    /// It is a short string, alive as long as the bytes are used.
    #[inline(always)]
    pub(super) unsafe fn short<'a>(this: *const Text) -> &'a [u8] {
        // SAFETY: the bytes of a short string begin at `contents`; the object may end before the
        // mirror does, so no reference to it is made.
        unsafe {
            let bytes = (&raw const (*this).contents).cast();
            slice::from_raw_parts(bytes, (*this).short_len as usize)
        }
    }

    /// # Safety
    /// It is a long string, alive as long as the bytes are used.
    #[inline(always)]
    pub(super) unsafe fn long<'a>(this: *const Text) -> &'a [u8] {
        // SAFETY: `contents` points to the bytes of a long string.
        unsafe { slice::from_raw_parts((*this).contents, (*this).long_len) }
    }
}
