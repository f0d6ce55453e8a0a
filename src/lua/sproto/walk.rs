//! Tables to messages without the C API: tables are read where Lua keeps them.
//!
//! This is the way nearly all messages take. It declines what needs more than reading (a
//! metatable that may have an answer, a text where a number should be, a value that does not fit
//! its field, a name that was not used before), and then `encode` does the whole message again
//! through the API, and raises what there is to raise. No Lua code runs here and nothing is
//! allocated in the Lua state, so what is read stays as it is.

use std::ffi::c_int;

use mlua::ffi::lua_State;

use crate::codec::sproto::{
    DEPTH_MAX, Field, Index, Kind, Open, Schema, Type, WriteError, Writer, scaled,
};
use crate::lua::heap::{Arguments, Table, Value, trusted};

/// The message must be written through the API.
struct Declined;

impl From<WriteError> for Declined {
    fn from(_: WriteError) -> Declined {
        Declined
    }
}

/// Writes the table at `at`, whose type is `owner`; false, and nothing is written, when that must
/// be done through the API. The table of names stands at `names`.
#[inline]
pub(super) unsafe fn walk(
    l: *mut lua_State,
    names: c_int,
    at: c_int,
    schema: &Schema,
    owner: &Type,
    writer: &mut Writer,
) -> bool {
    // SAFETY: the state is live, and the layout is trusted before it is used.
    unsafe {
        if !trusted() {
            return false;
        }
        let arguments = Arguments::of(l);
        let (Value::Table(names), Value::Table(table)) =
            (arguments.value(names), arguments.value(at))
        else {
            return false;
        };
        let written = writer.len();
        let done = Walk { schema, names, writer, depth: 0 }.one_struct(owner, table).is_ok();
        if !done {
            writer.back_to(written);
        }
        done
    }
}

/// One message under way.
struct Walk<'a> {
    schema: &'a Schema,
    names: &'a Table,
    writer: &'a mut Writer,
    depth: u32,
}

impl Walk<'_> {
    /// Writes a table as a struct.
    unsafe fn one_struct(&mut self, owner: &Type, table: &Table) -> Result<(), Declined> {
        self.descend()?;
        let mut open = self.writer.open(owner.slots_max);
        for field in &owner.fields {
            // SAFETY: both tables are alive, and the name is alive in one of them.
            unsafe {
                let name = self.names.key(field.key).ok_or(Declined)?;
                match table.field(name) {
                    Value::Nil => plain(table)?,
                    value => self.field(field, &mut open, value)?,
                }
            }
        }
        self.writer.close(open);
        self.depth -= 1;
        Ok(())
    }

    fn descend(&mut self) -> Result<(), Declined> {
        if self.depth >= DEPTH_MAX {
            return Err(Declined);
        }
        self.depth += 1;
        Ok(())
    }

    #[inline]
    unsafe fn field(
        &mut self,
        field: &Field,
        open: &mut Open,
        value: Value<'_>,
    ) -> Result<(), Declined> {
        if field.index != Index::Single {
            // SAFETY: the value is alive.
            return unsafe { self.array(field, open, value) };
        }
        let tag = field.tag;
        match field.kind {
            Kind::Integer | Kind::Decimal(_) => {
                self.writer.integer(open, tag, integer(field.kind, value)?)?;
            }
            Kind::Boolean => self.writer.boolean(open, tag, boolean(value)?)?,
            Kind::Double => self.writer.double(open, tag, double(value)?)?,
            Kind::String | Kind::Binary => self.writer.data(open, tag, text(value)?)?,
            Kind::Struct(index) => {
                let begun = self.writer.begin(open, tag)?;
                // SAFETY: the value is alive.
                unsafe { self.one_struct(&self.schema.types()[index], table(value)?)? };
                self.writer.end(begun);
            }
        }
        Ok(())
    }

    unsafe fn array(
        &mut self,
        field: &Field,
        open: &mut Open,
        value: Value<'_>,
    ) -> Result<(), Declined> {
        let table = table(value)?;
        let begun = self.writer.begin(open, field.tag)?;
        // SAFETY: the table is alive.
        unsafe {
            match field.index {
                Index::List | Index::Single => self.list(field, begun, table)?,
                Index::Key(_) | Index::Pairs => self.pairs(field, begun, table)?,
            }
        }
        self.writer.end(begun);
        Ok(())
    }

    /// Writes the elements 1, 2, ... up to the first nil.
    unsafe fn list(&mut self, field: &Field, begun: usize, table: &Table) -> Result<(), Declined> {
        for position in 1..u32::MAX {
            // SAFETY: the table is alive.
            unsafe {
                match table.element(position) {
                    Value::Nil => return plain(table),
                    value => self.element(field.kind, begun, value)?,
                }
            }
        }
        Err(Declined)
    }

    #[inline]
    unsafe fn element(
        &mut self,
        kind: Kind,
        begun: usize,
        value: Value<'_>,
    ) -> Result<(), Declined> {
        match kind {
            Kind::Integer | Kind::Decimal(_) => {
                self.writer.element(begun, integer(kind, value)?)?;
            }
            Kind::Boolean => self.writer.put(&[boolean(value)?.into()])?,
            Kind::Double => self.writer.double_element(begun, double(value)?)?,
            Kind::String | Kind::Binary => self.writer.item(text(value)?)?,
            Kind::Struct(index) => {
                let item = self.writer.begin_item()?;
                // SAFETY: the value is alive.
                unsafe { self.one_struct(&self.schema.types()[index], table(value)?)? };
                self.writer.end(item);
            }
        }
        Ok(())
    }

    /// Writes what Lua's `next` gives, in its order.
    unsafe fn pairs(&mut self, field: &Field, begun: usize, table: &Table) -> Result<(), Declined> {
        plain(table)?;
        // SAFETY: the table is alive and does not change; the positions lie in its array part.
        unsafe {
            for position in 1..=table.array_size() {
                match table.array_value(position) {
                    Value::Nil => {}
                    value => self.pair(field, begun, Value::Integer(position.into()), value)?,
                }
            }
            for (key, value) in table.pairs() {
                self.pair(field, begun, key, value)?;
            }
        }
        Ok(())
    }

    unsafe fn pair(
        &mut self,
        field: &Field,
        begun: usize,
        key: Value<'_>,
        value: Value<'_>,
    ) -> Result<(), Declined> {
        let Kind::Struct(index) = field.kind else { return Err(Declined) };
        let owner = &self.schema.types()[index];
        let (Index::Pairs, Some((key_field, value_field))) = (field.index, owner.pair()) else {
            // SAFETY: the value is alive.
            return unsafe { self.element(field.kind, begun, value) };
        };
        let item = self.writer.begin_item()?;
        self.descend()?;
        let mut open = self.writer.open(owner.slots_max);
        // SAFETY: both values are alive.
        unsafe {
            self.field(key_field, &mut open, key)?;
            self.field(value_field, &mut open, value)?;
        }
        self.writer.close(open);
        self.depth -= 1;
        self.writer.end(item);
        Ok(())
    }
}

/// What is not in the table is nil: no metatable has another answer.
#[inline(always)]
fn plain(table: &Table) -> Result<(), Declined> {
    if table.metatable.is_null() { Ok(()) } else { Err(Declined) }
}

#[inline(always)]
fn integer(kind: Kind, value: Value<'_>) -> Result<i64, Declined> {
    match (kind, value) {
        (Kind::Decimal(digits), value) => Ok(scaled(double(value)?, digits)),
        (_, Value::Integer(value)) => Ok(value),
        (_, Value::Float(value)) => exact(value).ok_or(Declined),
        _ => Err(Declined),
    }
}

/// Returns the integer that a float is.
fn exact(value: f64) -> Option<i64> {
    // 2^63 itself would be taken for the largest integer.
    let integer = value as i64;
    (integer as f64 == value && integer != i64::MAX).then_some(integer)
}

#[inline(always)]
fn double(value: Value<'_>) -> Result<f64, Declined> {
    match value {
        Value::Float(value) => Ok(value),
        Value::Integer(value) => Ok(value as f64),
        _ => Err(Declined),
    }
}

#[inline(always)]
fn boolean(value: Value<'_>) -> Result<bool, Declined> {
    if let Value::Boolean(value) = value { Ok(value) } else { Err(Declined) }
}

#[inline(always)]
fn text(value: Value<'_>) -> Result<&[u8], Declined> {
    if let Value::String(value) = value { Ok(value) } else { Err(Declined) }
}

#[inline(always)]
fn table(value: Value<'_>) -> Result<&Table, Declined> {
    if let Value::Table(value) = value { Ok(value) } else { Err(Declined) }
}
