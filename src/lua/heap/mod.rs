//! A look at Lua's own objects, for the loops that the C API makes slow.
//!
//! Reading a table of a thousand numbers through the API takes seven calls a value; reading Lua's
//! array takes none. This binary is built together with its Lua, so their layout is known here:
//! `lua55` and `lua54` mirror it, one of them is compiled. `seri` and `sproto` read the tables that
//! they make messages of, and fill those that they have just made of messages.
//!
//! What is private to Lua may change with any release, so nothing here is used before [`trusted`]
//! has compared it with the API, once a process, on objects of known content. When they differ in
//! anything, everything goes through the API and only speed is lost.
//!
//! Rules:
//! 1. Objects are only read, except that [`Array`] and [`Hash`] fill tables that no Lua code has
//!    seen. They never write a reference into an object that the collector has finished with, so
//!    they need none of its barriers.
//! 2. A reference from here is used before the next call into Lua, which may move or free things.

use std::ffi::{c_int, c_void};
use std::ptr;

use mlua::ffi::lua_State;

mod hash;
#[cfg(not(feature = "lua55"))]
#[path = "lua54.rs"]
mod layout;
#[cfg(feature = "lua55")]
#[path = "lua55.rs"]
mod layout;
mod lookup;
mod probe;

use crate::codec::seri::{Decoder, Number};
pub(super) use hash::{Hash, Key};
pub(super) use layout::Table;
use layout::Text;
#[cfg(test)]
pub(super) use probe::tests::{set_api_only, with_api_only};
pub(super) use probe::trusted;

/// The bit of a tag that marks a collectable object.
const COLLECTABLE: u8 = 1 << 6;
/// The bits of a tag that are the type, without the variant.
const TYPE_BITS: u8 = 0x0f;

/// The tags of values, type and variant.
mod tag {
    use super::COLLECTABLE;

    pub(super) const FALSE: u8 = 0x01;
    pub(super) const TRUE: u8 = 0x11;
    pub(super) const POINTER: u8 = 0x02;
    pub(super) const INTEGER: u8 = 0x03;
    pub(super) const FLOAT: u8 = 0x13;
    pub(super) const SHORT_TEXT: u8 = 0x04 | COLLECTABLE;
    pub(super) const LONG_TEXT: u8 = 0x14 | COLLECTABLE;
    pub(super) const TABLE: u8 = 0x05 | COLLECTABLE;
}

/// The content of a value; its tag says which.
#[derive(Clone, Copy)]
#[repr(C)]
union Bits {
    integer: i64,
    float: f64,
    pointer: *const c_void,
}

/// A value on the stack.
#[derive(Clone, Copy)]
#[repr(C)]
struct Slot {
    bits: Bits,
    tag: u8,
}

#[inline(always)]
fn slot_of(number: Number) -> Slot {
    match number {
        Number::Integer(integer) => Slot { bits: Bits { integer }, tag: tag::INTEGER },
        Number::Float(float) => Slot { bits: Bits { float }, tag: tag::FLOAT },
    }
}

/// A place in the hash part of a table.
#[repr(C)]
struct Node {
    bits: Bits,
    tag: u8,
    key_tag: u8,
    next: c_int,
    key_bits: Bits,
}

/// Finds a node without a key before `end`, not before `nodes`, and moves `end` to it.
///
/// # Safety
/// All nodes between the two are alive.
unsafe fn free_before(nodes: *mut Node, end: &mut *mut Node) -> Option<*mut Node> {
    while *end > nodes {
        // SAFETY: the node lies between the two.
        unsafe {
            *end = end.sub(1);
            if (**end).key_tag == 0 {
                return Some(*end);
            }
        }
    }
    None
}

/// What a value is.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Nil,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Pointer(*const c_void),
    String(&'a [u8]),
    Table(&'a Table),
    /// A function, a thread, a full userdata, or no value.
    Other,
}

impl Value<'_> {
    /// Reads a value by its tag.
    ///
    /// # Safety
    /// The tag and the bits are those of one live value of Lua, and the layout is trusted.
    #[inline(always)]
    unsafe fn read<'a>(tag: u8, bits: Bits) -> Value<'a> {
        // SAFETY: the tag says which field was written; an object it points to is alive.
        unsafe {
            match tag {
                tag::INTEGER => Value::Integer(bits.integer),
                tag::FLOAT => Value::Float(bits.float),
                tag::SHORT_TEXT => Value::String(Text::short(bits.pointer.cast())),
                tag::LONG_TEXT => Value::String(Text::long(bits.pointer.cast())),
                tag::TABLE => Value::Table(&*bits.pointer.cast::<Table>()),
                tag::FALSE => Value::Boolean(false),
                tag::TRUE => Value::Boolean(true),
                tag::POINTER => Value::Pointer(bits.pointer),
                _ if is_nil(tag) => Value::Nil,
                _ => Value::Other,
            }
        }
    }
}

/// Tells whether a tag is nil in any of its variants.
#[inline(always)]
fn is_nil(tag: u8) -> bool {
    tag & TYPE_BITS == 0
}

impl Table {
    /// Returns the value at `position`, counted from 1.
    ///
    /// # Safety
    /// `position` is in `1..=array_size()`.
    #[inline(always)]
    pub(super) unsafe fn array_value(&self, position: u32) -> Value<'_> {
        // SAFETY: the caller's promise; the table is alive.
        unsafe {
            let (tag, bits) = self.array_slot(position - 1);
            Value::read(tag, bits)
        }
    }

    /// Returns the number at `position`, counted from 1, if there is one.
    ///
    /// # Safety
    /// `position` is in `1..=array_size()`.
    #[inline(always)]
    pub(super) unsafe fn array_number(&self, position: u32) -> Option<Number> {
        // SAFETY: the caller's promise; the tag says which field was written.
        unsafe {
            match self.array_slot(position - 1) {
                (tag::INTEGER, bits) => Some(Number::Integer(bits.integer)),
                (tag::FLOAT, bits) => Some(Number::Float(bits.float)),
                _ => None,
            }
        }
    }

    /// Iterates over the hash part, in the order of Lua's `next`.
    ///
    /// # Safety
    /// The table does not change meanwhile.
    #[inline(always)]
    pub(super) unsafe fn pairs(&self) -> impl Iterator<Item = (Value<'_>, Value<'_>)> {
        // SAFETY: the nodes are as many as the table says; those with a value have a live key.
        unsafe {
            let nodes = std::slice::from_raw_parts(self.nodes(), self.node_count());
            let used = nodes.iter().filter(|node| !is_nil(node.tag));
            used.map(|node| {
                (Value::read(node.key_tag, node.key_bits), Value::read(node.tag, node.bits))
            })
        }
    }

    /// Tells whether there is a value at `position`, which must lie in the array part.
    #[inline(always)]
    fn has(&self, position: u32) -> bool {
        debug_assert!((1..=self.array_size()).contains(&position));
        // SAFETY: the position lies in the array part.
        !is_nil(unsafe { self.array_slot(position - 1) }.0)
    }

    /// Searches a border between `from`, which is 0 or has a value, and `to`, which has none.
    fn border_between(&self, mut from: u32, mut to: u32) -> u32 {
        while to - from > 1 {
            let middle = from + (to - from) / 2;
            if self.has(middle) {
                from = middle;
            } else {
                to = middle;
            }
        }
        from
    }
}

/// The array part of a table that was just made.
pub(super) struct Array {
    table: *mut Table,
    size: u32,
}

impl Array {
    /// Takes the array part of the table on the top of the stack; it is empty when the layout is
    /// not trusted.
    ///
    /// # Safety
    /// A table that no Lua code has seen is on the top of a live state.
    #[inline]
    pub(super) unsafe fn of_top(l: *mut lua_State) -> Array {
        // SAFETY: the value is a table, and its layout is as the mirror says once it is trusted.
        unsafe {
            if !trusted() {
                return Array { table: ptr::null_mut(), size: 0 };
            }
            let table = top_table(l);
            Array { table, size: (*table).array_size() }
        }
    }

    /// Writes numbers as long as the bytes give some, from `position` on, counted from 1, and
    /// returns the position behind the last one. It ends with the array part at the latest.
    ///
    /// # Safety
    /// The table is alive and was not resized since it was taken.
    #[inline(always)]
    pub(super) unsafe fn set_numbers(&self, position: u64, decoder: &mut Decoder<'_>) -> u64 {
        let mut position = position;
        // A copy stays in registers.
        let mut ahead = *decoder;
        while position <= self.size as u64
            && let Some(number) = ahead.number()
        {
            // SAFETY: the table is alive, and the position lies in its array part.
            unsafe { Table::set_array_slot(self.table, position as u32 - 1, slot_of(number)) };
            position += 1;
        }
        *decoder = ahead;
        position
    }

    /// Writes a number at `position`, counted from 1; false, and nothing changes, behind the end.
    ///
    /// # Safety
    /// As for [`Array::set_numbers`].
    #[inline(always)]
    pub(super) unsafe fn set_number(&self, position: u32, number: Number) -> bool {
        if !(1..=self.size).contains(&position) {
            return false;
        }
        // SAFETY: the caller's promise; the position lies in the array part.
        unsafe { Table::set_array_slot(self.table, position - 1, slot_of(number)) };
        true
    }
}

/// The fields of a Lua state in front of its stack; the same in Lua 5.4 and 5.5.
#[repr(C)]
struct State {
    header: [u8; 16],
    top: *const Slot,
    global: *const c_void,
    call: *const Call,
}

/// Returns the value on the top of the stack.
#[inline(always)]
unsafe fn top_slot(l: *mut lua_State) -> Slot {
    // SAFETY: the state is live, its stack is not empty, and the layout is trusted.
    unsafe { *(*l.cast::<State>()).top.sub(1) }
}

/// Returns the table on the top of the stack.
#[inline(always)]
unsafe fn top_table(l: *mut lua_State) -> *mut Table {
    // SAFETY: as for `top_slot`; the value is a table.
    unsafe { top_slot(l).bits.pointer.cast_mut().cast() }
}

/// The start of a call record: where its function is on the stack.
#[repr(C)]
struct Call {
    function: *const Slot,
}

/// The arguments of the running C function.
#[derive(Clone, Copy)]
pub(super) struct Arguments(*const Slot);

impl Arguments {
    /// Finds the arguments.
    ///
    /// # Safety
    /// The state is live, and the layout is trusted.
    #[inline(always)]
    pub(super) unsafe fn of(l: *mut lua_State) -> Arguments {
        // SAFETY: the caller's promises.
        unsafe { Arguments((*(*l.cast::<State>()).call).function) }
    }

    /// Returns the value at the stack index.
    ///
    /// # Safety
    /// `index` is between 1 and the top, and the stack was not resized meanwhile.
    #[inline(always)]
    pub(super) unsafe fn value<'a>(self, index: c_int) -> Value<'a> {
        // SAFETY: the caller's promises.
        unsafe {
            let slot = &*self.0.add(index as usize);
            Value::read(slot.tag, slot.bits)
        }
    }
}
