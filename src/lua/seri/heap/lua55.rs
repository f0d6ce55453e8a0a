//! Tables and strings of Lua 5.5.

use std::ffi::c_void;
use std::slice;

use super::{Bits, Node};

/// A table.
///
/// `array` points between its values, which lie before it in falling order, and a hint for the
/// length operator, behind which lie the tags in rising order.
#[repr(C)]
pub(in super::super) struct Table {
    next: *const c_void,
    kind: u8,
    mark: u8,
    flags: u8,
    node_count_log2: u8,
    array_size: u32,
    array: *mut Bits,
    nodes: *const Node,
    pub(in super::super) metatable: *const Table,
    gray_list: *const c_void,
}

/// How far from the hint a border is looked for before the search halves.
const VICINITY: u32 = 4;

impl Table {
    #[inline(always)]
    pub(in super::super) fn array_size(&self) -> u32 {
        self.array_size
    }

    #[inline(always)]
    pub(super) fn nodes(&self) -> *const Node {
        self.nodes
    }

    #[inline(always)]
    pub(super) fn node_count(&self) -> usize {
        1 << self.node_count_log2
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
    pub(super) unsafe fn set_array_slot(this: *mut Table, index: u32, tag: u8, bits: Bits) {
        let index = index as usize;
        // SAFETY: as many values and tags as the size says lie on either side of `array`.
        unsafe {
            *tags((*this).array).add(index) = tag;
            *(*this).array.sub(1 + index) = bits;
        }
    }

    /// Returns the border that the length operator finds in the array part, and whether the
    /// sequence may go on in the hash part.
    #[inline(always)]
    pub(in super::super) fn border(&self) -> (u32, bool) {
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
    hash: u32,
    long_len: usize,
    /// Where a long string's bytes are; a short string's bytes begin in this place.
    contents: *const u8,
}

impl Text {
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
