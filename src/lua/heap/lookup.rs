//! Finding single values in tables, as `lua_rawget` and `lua_rawgeti` do.

use super::hash::{Key, chained};
use super::{Node, Table, Value, tag};

impl Table {
    /// Returns the value behind a string, nil when there is none.
    ///
    /// # Safety
    /// The table and the key are alive, and their layout is trusted.
    #[inline(always)]
    pub(in crate::lua) unsafe fn field(&self, key: Key) -> Value<'_> {
        // SAFETY: a table has at least one node; what is chained to it lies in its nodes.
        unsafe {
            let main = self.nodes().add(key.place(self.node_count()));
            match chained(main, key) {
                Some(node) => Value::read((*node).tag, (*node).bits),
                None => Value::Nil,
            }
        }
    }

    /// Returns the value behind a positive integer, nil when there is none.
    ///
    /// # Safety
    /// As for [`Table::field`].
    #[inline(always)]
    pub(in crate::lua) unsafe fn element(&self, position: u32) -> Value<'_> {
        // SAFETY: the position lies in the array part, or in none of the table's parts.
        unsafe {
            if (1..=self.array_size()).contains(&position) {
                return self.array_value(position);
            }
            match self.node_of(position) {
                Some(node) => Value::read((*node).tag, (*node).bits),
                None => Value::Nil,
            }
        }
    }

    /// Returns the interned string behind a positive integer.
    ///
    /// # Safety
    /// As for [`Table::field`].
    #[inline(always)]
    pub(in crate::lua) unsafe fn key(&self, position: u32) -> Option<Key> {
        // SAFETY: as `element`; the tag says which field was written.
        unsafe {
            let (tag, bits) = match (1..=self.array_size()).contains(&position) {
                true => self.array_slot(position - 1),
                false => self.node_of(position).map(|node| ((*node).tag, (*node).bits))?,
            };
            (tag == tag::SHORT_TEXT).then(|| Key(bits.pointer.cast()))
        }
    }

    /// Finds the node of an integer in the hash part. Integers have the remainder by an odd number
    /// as main position.
    unsafe fn node_of(&self, position: u32) -> Option<*const Node> {
        let main = position as usize % ((self.node_count() - 1) | 1);
        // SAFETY: as `field`; the chain ends and stays inside the table.
        unsafe {
            let mut node = self.nodes().add(main);
            loop {
                let is_integer = (*node).key_tag == tag::INTEGER;
                if is_integer && (*node).key_bits.integer == i64::from(position) {
                    return Some(node);
                }
                match (*node).next {
                    0 => return None,
                    step => node = node.offset(step as isize),
                }
            }
        }
    }
}
