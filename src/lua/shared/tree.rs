//! What services share: a tree of tables that never changes, in memory outside of any Lua state.
//!
//! `build.rs` makes one from a Lua table, `document.rs` from the bytes of a datasheet; the views
//! of services read it. It is held by `Arc`s, so it goes with its last reader.
//!
//! Tables, array items, pairs and texts lie in one array each, and refer to each other by number;
//! equal texts are stored once. The pairs of a table are sorted, so that a key is found by
//! halving: a view asks for each key once and keeps the answer.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::ops::Range;

/// Tables inside of tables. Whoever walks a tree may recurse.
pub(super) const DEPTH_MAX: usize = 128;

/// A part of one of a tree's arrays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    start: u32,
    len: u32,
}

impl Span {
    fn range(self) -> Range<usize> {
        self.start as usize..self.start as usize + self.len as usize
    }
}

/// A value in a tree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    /// A hole in an array.
    Nil,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(Span),
    /// The number of a table of the same tree.
    Table(u32),
    /// A light userdata.
    Pointer(usize),
    /// The bytecode of a Lua function without upvalues.
    Code(Span),
    /// A C function without upvalues.
    Native(usize),
}

/// A key that somebody looks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Key<'a> {
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(&'a [u8]),
    Pointer(usize),
}

impl Key<'_> {
    fn rank(&self) -> u8 {
        match self {
            Key::Integer(_) => 0,
            Key::Text(_) => 1,
            Key::Float(_) => 2,
            Key::Boolean(_) => 3,
            Key::Pointer(_) => 4,
        }
    }
}

/// The order in which the pairs of a table stand: by type, then by value.
fn compare(a: Key<'_>, b: Key<'_>) -> Ordering {
    match (a, b) {
        (Key::Integer(a), Key::Integer(b)) => a.cmp(&b),
        (Key::Text(a), Key::Text(b)) => a.cmp(b),
        (Key::Float(a), Key::Float(b)) => a.total_cmp(&b),
        (Key::Boolean(a), Key::Boolean(b)) => a.cmp(&b),
        (Key::Pointer(a), Key::Pointer(b)) => a.cmp(&b),
        _ => a.rank().cmp(&b.rank()),
    }
}

#[derive(Clone, Copy, Debug)]
struct Table {
    items: Span,
    pairs: Span,
}

/// A tree of tables; the table 0 is its root.
#[derive(Debug)]
pub(super) struct Tree {
    tables: Box<[Table]>,
    items: Box<[Value]>,
    pairs: Box<[(Value, Value)]>,
    bytes: Box<[u8]>,
}

impl Tree {
    /// The values at 1 and up of a table; none for a number that is no table's.
    pub(super) fn items(&self, table: u32) -> &[Value] {
        let found = self.tables.get(table as usize);
        found.and_then(|table| self.items.get(table.items.range())).unwrap_or_default()
    }

    /// The other keys and values of a table, sorted.
    pub(super) fn pairs(&self, table: u32) -> &[(Value, Value)] {
        let found = self.tables.get(table as usize);
        found.and_then(|table| self.pairs.get(table.pairs.range())).unwrap_or_default()
    }

    /// How many tables there are.
    pub(super) fn table_count(&self) -> usize {
        self.tables.len()
    }

    /// The bytes of a text or of code.
    pub(super) fn bytes(&self, span: Span) -> &[u8] {
        self.bytes.get(span.range()).unwrap_or_default()
    }

    /// The value at a key of a table.
    pub(super) fn get(&self, table: u32, key: Key<'_>) -> Option<Value> {
        let items = self.items(table);
        if let Key::Integer(position) = key
            && let Ok(position) = usize::try_from(position)
            && let Some(value) = position.checked_sub(1).and_then(|index| items.get(index))
        {
            return (*value != Value::Nil).then_some(*value);
        }
        let pairs = self.pairs(table);
        let found = pairs.binary_search_by(|(own, _)| match self.as_key(*own) {
            Some(own) => compare(own, key),
            None => Ordering::Greater,
        });
        found.ok().and_then(|index| pairs.get(index)).map(|(_, value)| *value)
    }

    /// The number of the table at a key of a table.
    pub(super) fn table_at(&self, table: u32, key: Key<'_>) -> Option<u32> {
        match self.get(table, key) {
            Some(Value::Table(number)) => Some(number),
            _ => None,
        }
    }

    /// A stored key as one to look for.
    pub(super) fn as_key(&self, value: Value) -> Option<Key<'_>> {
        as_key(&self.bytes, value)
    }

    /// The memory that it takes.
    pub(super) fn size(&self) -> usize {
        size_of_val(&*self.tables)
            + size_of_val(&*self.items)
            + size_of_val(&*self.pairs)
            + self.bytes.len()
    }
}

fn as_key(bytes: &[u8], value: Value) -> Option<Key<'_>> {
    Some(match value {
        Value::Boolean(boolean) => Key::Boolean(boolean),
        Value::Integer(integer) => Key::Integer(integer),
        Value::Float(float) => Key::Float(float),
        Value::Text(span) => Key::Text(bytes.get(span.range())?),
        Value::Pointer(pointer) => Key::Pointer(pointer),
        Value::Nil | Value::Table(_) | Value::Code(_) | Value::Native(_) => return None,
    })
}

/// More than the numbers of a tree can count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than 4 GiB of texts, or 2^32 values")]
pub(super) struct TooLarge;

/// A table whose content is being added.
#[derive(Default)]
struct Open {
    number: u32,
    items: Vec<Value>,
    pairs: Vec<(Value, Value)>,
}

/// Makes a tree: `begin`, `item` and `pair` as often as there are some, `end`; tables nest.
#[derive(Default)]
pub(super) struct Builder {
    tables: Vec<Table>,
    items: Vec<Value>,
    pairs: Vec<(Value, Value)>,
    bytes: Vec<u8>,
    texts: HashMap<Box<[u8]>, Span>,
    open: Vec<Open>,
}

impl Builder {
    /// Begins a table inside of the one that is open.
    pub(super) fn begin(&mut self) -> Result<(), TooLarge> {
        let number = u32::try_from(self.tables.len()).map_err(|_| TooLarge)?;
        let empty = Span { start: 0, len: 0 };
        self.tables.push(Table { items: empty, pairs: empty });
        self.open.push(Open { number, ..Open::default() });
        Ok(())
    }

    /// How deep the open table lies.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    /// Adds the next value of the open table's array.
    pub(super) fn item(&mut self, value: Value) {
        if let Some(open) = self.open.last_mut() {
            open.items.push(value);
        }
    }

    /// Adds a key and its value to the open table.
    pub(super) fn pair(&mut self, key: Value, value: Value) {
        if let Some(open) = self.open.last_mut() {
            open.pairs.push((key, value));
        }
    }

    /// Ends the open table, and returns it as a value for the one around it.
    pub(super) fn end(&mut self) -> Result<Value, TooLarge> {
        let Open { number, items, mut pairs } = self.open.pop().unwrap_or_default();
        let bytes = &self.bytes;
        pairs.sort_by(|(a, _), (b, _)| match (as_key(bytes, *a), as_key(bytes, *b)) {
            (Some(a), Some(b)) => compare(a, b),
            _ => Ordering::Equal,
        });
        let table = Table {
            items: append(&mut self.items, items)?,
            pairs: append(&mut self.pairs, pairs)?,
        };
        if let Some(slot) = self.tables.get_mut(number as usize) {
            *slot = table;
        }
        Ok(Value::Table(number))
    }

    /// Stores a text once.
    pub(super) fn text(&mut self, text: &[u8]) -> Result<Value, TooLarge> {
        if let Some(span) = self.texts.get(text) {
            return Ok(Value::Text(*span));
        }
        let span = append(&mut self.bytes, text.iter().copied())?;
        self.texts.insert(text.into(), span);
        Ok(Value::Text(span))
    }

    /// Stores the bytecode of a function.
    pub(super) fn code(&mut self, code: Vec<u8>) -> Result<Value, TooLarge> {
        append(&mut self.bytes, code).map(Value::Code)
    }

    /// The tree, when all tables have ended.
    pub(super) fn finish(self) -> Tree {
        Tree {
            tables: self.tables.into(),
            items: self.items.into(),
            pairs: self.pairs.into(),
            bytes: self.bytes.into(),
        }
    }
}

fn append<T>(all: &mut Vec<T>, more: impl IntoIterator<Item = T>) -> Result<Span, TooLarge> {
    let start = all.len();
    all.extend(more);
    let number = |count: usize| u32::try_from(count).map_err(|_| TooLarge);
    Ok(Span { start: number(start)?, len: number(all.len())? - number(start)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Tree {
        let mut builder = Builder::default();
        builder.begin().unwrap();
        builder.item(Value::Integer(10));
        builder.item(Value::Nil);
        builder.item(Value::Integer(30));
        builder.begin().unwrap();
        let text = builder.text(b"deep").unwrap();
        builder.pair(text, text);
        let inner = builder.end().unwrap();
        for name in ["b", "a", "deep", "c"] {
            let key = builder.text(name.as_bytes()).unwrap();
            builder.pair(key, inner);
        }
        builder.pair(Value::Float(1.5), Value::Boolean(true));
        builder.pair(Value::Integer(-7), Value::Float(0.5));
        builder.pair(Value::Boolean(false), Value::Pointer(8));
        builder.end().unwrap();
        builder.finish()
    }

    #[test]
    fn every_key_is_found() {
        let tree = sample();
        assert_eq!(tree.get(0, Key::Integer(1)), Some(Value::Integer(10)));
        assert_eq!(tree.get(0, Key::Integer(2)), None);
        assert_eq!(tree.get(0, Key::Integer(3)), Some(Value::Integer(30)));
        assert_eq!(tree.get(0, Key::Integer(-7)), Some(Value::Float(0.5)));
        assert_eq!(tree.get(0, Key::Float(1.5)), Some(Value::Boolean(true)));
        assert_eq!(tree.get(0, Key::Boolean(false)), Some(Value::Pointer(8)));
        for name in ["a", "b", "c", "deep"] {
            assert_eq!(tree.table_at(0, Key::Text(name.as_bytes())), Some(1), "{name}");
        }
    }

    #[test]
    fn other_keys_are_not() {
        let tree = sample();
        let others = [
            Key::Integer(0),
            Key::Integer(4),
            Key::Integer(i64::MIN),
            Key::Text(b""),
            Key::Text(b"d"),
            Key::Float(1.0),
            Key::Boolean(true),
            Key::Pointer(0),
        ];
        for key in others {
            assert_eq!(tree.get(0, key), None, "{key:?}");
            assert_eq!(tree.get(7, key), None, "{key:?} of no table");
        }
    }

    #[test]
    fn equal_texts_are_stored_once() {
        assert_eq!(sample().bytes.len(), "deepabc".len());
    }
}
