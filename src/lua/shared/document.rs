//! The bytes of a datasheet (`skynet.datasheet.dump`). Lua API section 18.
//!
//! All numbers are little-endian and have 32 bits. A document is the offset of its texts, the
//! number of its tables, an offset for each of them (counted from the end of this list; all ones
//! for none), the tables, and the texts, each with a NUL behind it. A table is the count of its
//! array items, the count of its pairs, a type byte for each of both, zeros up to the next
//! multiple of 4, the items, and the pairs: the offset of the key among the texts, and the value.

use std::collections::HashMap;

use super::tree::{Builder, DEPTH_MAX, Key, TooLarge, Tree, Value};

const NIL: u8 = 0;
const INTEGER: u8 = 1;
const FLOAT: u8 = 2;
const BOOLEAN: u8 = 3;
const TABLE: u8 = 4;
const TEXT: u8 = 5;

/// True; the reference stores the byte 1 last.
const TRUE: u32 = 1 << 24;
/// The offset of a table that is not there.
const ABSENT: u32 = u32::MAX;
/// The bytes in front of the list of tables.
const HEAD: usize = 8;

/// Why bytes are no document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DocumentError {
    #[error("Invalid datasheet: it ends too early")]
    Short,
    #[error("Invalid datasheet: a value of type {0}")]
    Type(u8),
    #[error("Invalid datasheet: table {0} is not there, or has two places")]
    Table(u32),
    #[error("Invalid datasheet: tables nest deeper than {DEPTH_MAX}")]
    Depth,
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

/// Writes a tree that was built by the rules of datasheets. Its tables get the numbers of those at
/// the same places of the tree before, if there is one, and new ones the numbers behind.
pub(super) fn encode(tree: &Tree, before: Option<&Tree>) -> Result<Vec<u8>, TooLarge> {
    let numbers = Numbers::new(tree, before);
    let mut texts = Texts::default();
    let mut offsets = vec![ABSENT; numbers.count as usize];
    let mut tables = Vec::new();
    for (table, number) in (0..).zip(&numbers.of_table) {
        if let Some(offset) = offsets.get_mut(*number as usize) {
            *offset = u32::try_from(tables.len()).map_err(|_| TooLarge)?;
        }
        encode_table((tree, &numbers), table, &mut texts, &mut tables)?;
    }
    let texts_at = HEAD + offsets.len() * 4 + tables.len();
    let mut document = Vec::with_capacity(texts_at + texts.bytes.len());
    put(&mut document, u32::try_from(texts_at).map_err(|_| TooLarge)?);
    put(&mut document, offsets.len() as u32);
    offsets.iter().for_each(|offset| put(&mut document, *offset));
    document.extend(tables);
    document.extend(texts.bytes);
    Ok(document)
}

/// The numbers that the tables of a tree have in its document.
struct Numbers {
    of_table: Vec<u32>,
    count: u32,
}

impl Numbers {
    fn new(tree: &Tree, before: Option<&Tree>) -> Self {
        let count = tree.table_count() as u32;
        let Some(before) = before else { return Self { of_table: (0..count).collect(), count } };
        let mut numbers =
            Self { of_table: vec![ABSENT; tree.table_count()], count: before.table_count() as u32 };
        numbers.keep(tree, 0, before, 0);
        for number in &mut numbers.of_table {
            if *number == ABSENT {
                *number = numbers.count;
                numbers.count += 1;
            }
        }
        numbers
    }

    /// Gives a table the number of the one that was at its place, and goes on below.
    fn keep(&mut self, tree: &Tree, table: u32, before: &Tree, old: u32) {
        if let Some(number) = self.of_table.get_mut(table as usize) {
            *number = old;
        }
        let items = (1..).zip(tree.items(table)).map(|(at, value)| (Some(Key::Integer(at)), value));
        let pairs = tree.pairs(table).iter().map(|(key, value)| (tree.as_key(*key), value));
        for (key, value) in items.chain(pairs) {
            if let (Some(key), Value::Table(below)) = (key, value)
                && let Some(old) = before.table_at(old, key)
            {
                self.keep(tree, *below, before, old);
            }
        }
    }

    fn of(&self, table: u32) -> u32 {
        self.of_table.get(table as usize).copied().unwrap_or(ABSENT)
    }
}

fn put(out: &mut Vec<u8>, word: u32) {
    out.extend(word.to_le_bytes());
}

fn encode_table(
    (tree, numbers): (&Tree, &Numbers),
    table: u32,
    texts: &mut Texts,
    out: &mut Vec<u8>,
) -> Result<(), TooLarge> {
    let (items, pairs) = (tree.items(table), tree.pairs(table));
    put(out, items.len() as u32);
    put(out, pairs.len() as u32);
    let values = || items.iter().chain(pairs.iter().map(|(_, value)| value));
    out.extend(values().map(|value| type_of(*value)));
    out.resize(out.len().next_multiple_of(4), 0);
    for value in items {
        put(out, word_of((tree, numbers), *value, texts)?);
    }
    for (key, value) in pairs {
        put(out, word_of((tree, numbers), *key, texts)?);
        put(out, word_of((tree, numbers), *value, texts)?);
    }
    Ok(())
}

fn type_of(value: Value) -> u8 {
    match value {
        Value::Integer(_) => INTEGER,
        Value::Float(_) => FLOAT,
        Value::Boolean(_) => BOOLEAN,
        Value::Table(_) => TABLE,
        Value::Text(_) => TEXT,
        Value::Nil | Value::Pointer(_) | Value::Code(_) | Value::Native(_) => NIL,
    }
}

fn word_of(
    (tree, numbers): (&Tree, &Numbers),
    value: Value,
    texts: &mut Texts,
) -> Result<u32, TooLarge> {
    Ok(match value {
        Value::Integer(integer) => integer as i32 as u32,
        Value::Float(float) => (float as f32).to_bits(),
        Value::Boolean(boolean) => TRUE * u32::from(boolean),
        Value::Table(table) => numbers.of(table),
        Value::Text(span) => texts.offset(tree.bytes(span))?,
        Value::Nil | Value::Pointer(_) | Value::Code(_) | Value::Native(_) => 0,
    })
}

/// The texts of a document.
#[derive(Default)]
struct Texts {
    bytes: Vec<u8>,
    offsets: HashMap<Box<[u8]>, u32>,
}

impl Texts {
    fn offset(&mut self, text: &[u8]) -> Result<u32, TooLarge> {
        if let Some(offset) = self.offsets.get(text) {
            return Ok(*offset);
        }
        let offset = u32::try_from(self.bytes.len()).map_err(|_| TooLarge)?;
        self.bytes.extend(text);
        self.bytes.push(0);
        self.offsets.insert(text.into(), offset);
        Ok(offset)
    }
}

/// Reads a document of anybody's.
pub(super) fn decode(document: &[u8]) -> Result<Tree, DocumentError> {
    let texts_at = word_at(document, 0)? as usize;
    let count = word_at(document, 4)? as usize;
    let index = document.get(HEAD..).and_then(|rest| rest.get(..count.checked_mul(4)?));
    let index = index.ok_or(DocumentError::Short)?;
    let mut decoder = Decoder {
        index,
        tables: document.get(HEAD + count * 4..).ok_or(DocumentError::Short)?,
        texts: document.get(texts_at..).ok_or(DocumentError::Short)?,
        seen: vec![false; count],
        builder: Builder::default(),
    };
    decoder.table(0)?;
    Ok(decoder.builder.finish())
}

fn word_at(bytes: &[u8], offset: usize) -> Result<u32, DocumentError> {
    let word = offset.checked_add(4).and_then(|end| bytes.get(offset..end));
    let word = word.and_then(|word| word.try_into().ok()).ok_or(DocumentError::Short)?;
    Ok(u32::from_le_bytes(word))
}

struct Decoder<'a> {
    index: &'a [u8],
    tables: &'a [u8],
    texts: &'a [u8],
    seen: Vec<bool>,
    builder: Builder,
}

impl Decoder<'_> {
    fn table(&mut self, number: u32) -> Result<Value, DocumentError> {
        let bad = DocumentError::Table(number);
        let seen = self.seen.get_mut(number as usize).ok_or(bad)?;
        let offset = word_at(self.index, number as usize * 4)?;
        if std::mem::replace(seen, true) || offset == ABSENT {
            return Err(bad);
        }
        if self.builder.depth() >= DEPTH_MAX {
            return Err(DocumentError::Depth);
        }
        let table = self.tables.get(offset as usize..).ok_or(DocumentError::Short)?;
        self.builder.begin()?;
        self.content(table)?;
        Ok(self.builder.end()?)
    }

    fn content(&mut self, table: &[u8]) -> Result<(), DocumentError> {
        let items = word_at(table, 0)? as usize;
        let pairs = word_at(table, 4)? as usize;
        let types = table.get(HEAD..).and_then(|rest| rest.get(..items.checked_add(pairs)?));
        let types = types.ok_or(DocumentError::Short)?;
        let mut at = (HEAD + types.len()).next_multiple_of(4);
        let (item_types, pair_types) = types.split_at(items);
        for kind in item_types {
            let value = self.value(*kind, word_at(table, at)?)?;
            self.builder.item(value);
            at += 4;
        }
        for kind in pair_types {
            let key = self.value(TEXT, word_at(table, at)?)?;
            let value = self.value(*kind, word_at(table, at + 4)?)?;
            self.builder.pair(key, value);
            at += 8;
        }
        Ok(())
    }

    fn value(&mut self, kind: u8, word: u32) -> Result<Value, DocumentError> {
        Ok(match kind {
            NIL => Value::Nil,
            INTEGER => Value::Integer(i64::from(word as i32)),
            FLOAT => Value::Float(f64::from(f32::from_bits(word))),
            BOOLEAN => Value::Boolean(word != 0),
            TABLE => self.table(word)?,
            TEXT => {
                let text = self.texts.get(word as usize..).ok_or(DocumentError::Short)?;
                let end = text.iter().position(|byte| *byte == 0).ok_or(DocumentError::Short)?;
                self.builder.text(&text[..end])?
            }
            other => return Err(DocumentError::Type(other)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_pair() -> Tree {
        let mut builder = Builder::default();
        builder.begin().unwrap();
        let key = builder.text(b"a").unwrap();
        builder.pair(key, Value::Integer(1));
        builder.end().unwrap();
        builder.finish()
    }

    fn nested() -> Tree {
        let mut builder = Builder::default();
        builder.begin().unwrap();
        for value in [Value::Integer(-5), Value::Float(1.5), Value::Boolean(true), Value::Nil] {
            builder.item(value);
        }
        builder.begin().unwrap();
        let text = builder.text(b"text").unwrap();
        builder.item(text);
        let inner = builder.end().unwrap();
        builder.item(inner);
        builder.pair(text, Value::Boolean(false));
        builder.end().unwrap();
        builder.finish()
    }

    #[test]
    fn the_bytes_are_the_references() {
        let bytes =
            b"\x20\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0a\0";
        assert_eq!(encode(&one_pair(), None).unwrap(), bytes);
        let tree = decode(bytes).unwrap();
        assert_eq!(tree.get(0, Key::Text(b"a")), Some(Value::Integer(1)));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let tree = decode(&encode(&nested(), None).unwrap()).unwrap();
        assert_eq!(tree.items(0)[..4], nested().items(0)[..4]);
        assert_eq!(tree.get(0, Key::Text(b"text")), Some(Value::Boolean(false)));
        let below = tree.table_at(0, Key::Integer(5)).unwrap();
        assert_eq!(tree.items(below).len(), 1);
    }

    #[test]
    fn no_cut_or_changed_document_panics() {
        let document = encode(&nested(), None).unwrap();
        for end in 0..document.len() {
            assert!(decode(&document[..end]).is_err(), "cut at {end}");
        }
        for at in 0..document.len() {
            for byte in [0, 1, 4, 0x7f, 0xff] {
                let mut changed = document.clone();
                changed[at] = byte;
                let _ = decode(&changed);
            }
        }
    }

    #[test]
    fn tables_keep_their_numbers() {
        let before = nested();
        let mut builder = Builder::default();
        builder.begin().unwrap();
        builder.begin().unwrap();
        let new = builder.end().unwrap();
        (0..4).for_each(|_| builder.item(new));
        builder.begin().unwrap();
        let kept = builder.end().unwrap();
        builder.item(kept);
        builder.end().unwrap();
        let numbers = Numbers::new(&builder.finish(), Some(&before));
        assert_eq!(numbers.of_table, [0, 2, 1]);
        assert_eq!(numbers.count, 3);
    }

    #[test]
    fn a_table_inside_of_itself_is_refused() {
        let mut document = encode(&nested(), None).unwrap();
        // The fifth item of the first table is the number of the second one.
        let at = HEAD + 2 * 4 + HEAD + 8 + 4 * 4;
        assert_eq!(document[at], 1);
        document[at] = 0;
        assert!(matches!(decode(&document), Err(DocumentError::Table(0))));
    }
}
