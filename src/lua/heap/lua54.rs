//! Tables and strings of Lua 5.4.

use std::ffi::c_void;
use std::mem::offset_of;
use std::slice;

use super::{Bits, Node, Slot, free_before};

/// The flag of a table whose `array_limit` is a hint for its length operator; the size is then
/// the next power of two.
const LIMIT_IS_HINT: u8 = 1 << 7;

/// A table.
#[repr(C)]
pub(in crate::lua) struct Table {
    next: *const c_void,
    kind: u8,
    pub(super) mark: u8,
    pub(super) flags: u8,
    node_count_log2: u8,
    array_limit: u32,
    array: *mut Slot,
    nodes: *mut Node,
    last_free: *mut Node,
    pub(in crate::lua) metatable: *const Table,
    gray_list: *const c_void,
}

impl Table {
    #[inline(always)]
    pub(in crate::lua) fn array_size(&self) -> u32 {
        if self.flags & LIMIT_IS_HINT == 0 {
            self.array_limit
        } else {
            self.array_limit.next_power_of_two()
        }
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
        self.last_free.is_null()
    }

    /// Finds a node that never had a key.
    ///
    /// # Safety
    /// The table is alive and has nodes of its own.
    pub(super) unsafe fn free_node(this: *mut Table) -> Option<*mut Node> {
        // SAFETY: any free node lies before the one that `last_free` points to.
        unsafe { free_before((*this).nodes, &mut (*this).last_free) }
    }

    /// The word that says before which node any free one lies.
    pub(super) unsafe fn last_free(this: *mut Table) -> *mut *mut Node {
        // SAFETY: the table is alive.
        unsafe { &raw mut (*this).last_free }
    }

    /// Reads the slot at `index`, counted from 0.
    ///
    /// # Safety
    /// `index` is below the array size, and the table is alive.
    #[inline(always)]
    pub(super) unsafe fn array_slot(&self, index: u32) -> (u8, Bits) {
        // SAFETY: `array` has as many slots as the size says.
        let slot = unsafe { &*self.array.add(index as usize) };
        (slot.tag, slot.bits)
    }

    /// Writes the slot at `index`, counted from 0.
    ///
    /// # Safety
    /// As for `array_slot`; nothing else reads or writes the table meanwhile.
    #[inline(always)]
    pub(super) unsafe fn set_array_slot(this: *mut Table, index: u32, value: Slot) {
        // SAFETY: `array` has as many slots as the size says.
        unsafe { *(*this).array.add(index as usize) = value }
    }

    /// Returns the border that the length operator finds in the array part, and whether the
    /// sequence may go on in the hash part.
    #[inline(always)]
    pub(in crate::lua) fn border(&self) -> (u32, bool) {
        let (limit, size) = (self.array_limit, self.array_size());
        if limit == size && (size == 0 || self.has(size)) {
            return (size, true);
        }
        self.inner_border(limit, size)
    }

    #[cold]
    fn inner_border(&self, limit: u32, size: u32) -> (u32, bool) {
        if limit > 0 && !self.has(limit) {
            if limit >= 2 && self.has(limit - 1) {
                return (limit - 1, false);
            }
            return (self.border_between(0, limit), false);
        }
        if !self.has(limit + 1) {
            return (limit, false);
        }
        if self.has(size) { (size, true) } else { (self.border_between(limit, size), false) }
    }
}

/// A string; its bytes begin at `contents`.
#[repr(C)]
pub(super) struct Text {
    next: *const c_void,
    kind: u8,
    mark: u8,
    extra: u8,
    short_len: u8,
    pub(super) hash: u32,
    long_len: usize,
    contents: [u8; 1],
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
        // SAFETY: the caller's promise.
        unsafe { Text::bytes(this, (*this).short_len as usize) }
    }

    /// # Safety
    /// It is a long string, alive as long as the bytes are used.
    #[inline(always)]
    pub(super) unsafe fn long<'a>(this: *const Text) -> &'a [u8] {
        // SAFETY: the caller's promise.
        unsafe { Text::bytes(this, (*this).long_len) }
    }

    #[inline(always)]
    unsafe fn bytes<'a>(this: *const Text, len: usize) -> &'a [u8] {
        // SAFETY: as many bytes lie in the object, from `contents` on; the object may end before
        // the mirror does, so no reference to it is made.
        unsafe { slice::from_raw_parts((&raw const (*this).contents).cast(), len) }
    }
}
