//! Packing without the C API: tables read where Lua keeps them.
//!
//! This is the path nearly all messages take. It declines a value that needs more than reading (a
//! `__pairs` function, a sequence that lives in the hash part, a value without a form, too many
//! levels), and then `pack` does the whole value again through the API, and raises what there is
//! to raise. No Lua code runs here and nothing is allocated in the Lua state, so what is read
//! stays as it is.

use super::pack::Packer;
use crate::codec::seri::{DEPTH_MAX, EncodeError, Number};
use crate::lua::heap::{Table, Value};

/// Why the walk ends early.
pub(super) enum Stop {
    /// The value must be packed through the API.
    Decline,
    /// The codec refused.
    Encode(EncodeError),
}

impl From<EncodeError> for Stop {
    fn from(error: EncodeError) -> Stop {
        Stop::Encode(error)
    }
}

impl Packer {
    /// Writes a value that stands outside all tables; false, and nothing is written, when it must
    /// go through the API.
    #[inline(always)]
    pub(super) unsafe fn walk(&mut self, value: Value<'_>) -> Result<bool, EncodeError> {
        let mark = self.mark();
        // SAFETY: the value is alive, and nothing changes it meanwhile.
        match unsafe { self.walk_value(value, 0) } {
            Ok(()) => Ok(true),
            Err(Stop::Encode(error)) => Err(error),
            Err(Stop::Decline) => {
                self.back_to(mark);
                Ok(false)
            }
        }
    }

    #[inline(always)]
    unsafe fn walk_value(&mut self, value: Value<'_>, depth: u32) -> Result<(), Stop> {
        match value {
            Value::Integer(integer) => self.out.integer(integer)?,
            Value::Float(float) => self.out.float(float)?,
            Value::String(text) => self.string(text)?,
            // SAFETY: the table is alive.
            Value::Table(table) => unsafe { self.walk_table(table, depth + 1)? },
            Value::Boolean(boolean) => self.out.boolean(boolean)?,
            Value::Nil => self.out.nil()?,
            Value::Pointer(pointer) => self.out.pointer(pointer.addr() as u64)?,
            Value::Other => return Err(Stop::Decline),
        }
        Ok(())
    }

    /// Writes a table whose values are at the level `depth`.
    unsafe fn walk_table(&mut self, table: &Table, depth: u32) -> Result<(), Stop> {
        // One table more may stand below the deepest value, if it is empty; the API path knows.
        if depth > DEPTH_MAX || !self.is_plain(table.metatable) {
            return Err(Stop::Decline);
        }
        let (len, open) = table.border();
        self.out.table(len as usize)?;
        for position in 1..=len {
            // SAFETY: a border lies in the array part, and the value is alive.
            unsafe {
                match table.array_number(position) {
                    Some(Number::Integer(integer)) => self.out.integer(integer)?,
                    Some(Number::Float(float)) => self.out.float(float)?,
                    None => self.walk_value(table.array_value(position), depth)?,
                }
            }
        }
        // SAFETY: as above.
        unsafe { self.walk_pairs(table, len, open, depth)? };
        Ok(self.out.nil()?)
    }

    /// Writes the pairs behind the first `len` array values; when `open`, the sequence may go on
    /// among them.
    #[inline]
    unsafe fn walk_pairs(
        &mut self,
        table: &Table,
        len: u32,
        open: bool,
        depth: u32,
    ) -> Result<(), Stop> {
        let next = len as i64 + 1;
        // SAFETY: positions up to the size are in the array part; nothing changes the table.
        unsafe {
            for position in len + 1..=table.array_size() {
                let value = table.array_value(position);
                if !matches!(value, Value::Nil) {
                    self.out.integer(position as i64)?;
                    self.walk_value(value, depth)?;
                }
            }
            for (key, value) in table.pairs() {
                match key {
                    Value::Integer(position) if open && position == next => {
                        return Err(Stop::Decline);
                    }
                    _ => self.walk_value(key, depth)?,
                }
                self.walk_value(value, depth)?;
            }
        }
        Ok(())
    }

    /// Tells whether tables with this metatable are packed as they are.
    #[inline(always)]
    fn is_plain(&mut self, metatable: *const Table) -> bool {
        metatable.is_null() || metatable == self.plain || self.has_no_pairs(metatable)
    }

    /// Looks for `__pairs` in a metatable and remembers the last one without.
    ///
    /// It compares all keys, since finding the string's slot would take its hash.
    #[cold]
    fn has_no_pairs(&mut self, metatable: *const Table) -> bool {
        // SAFETY: the metatable of a live table is alive, and nothing changes it.
        let mut pairs = unsafe { (*metatable).pairs() };
        let found = pairs.any(|(key, _)| matches!(key, Value::String(b"__pairs")));
        if !found {
            self.plain = metatable;
        }
        !found
    }
}
