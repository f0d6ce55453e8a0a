//! The whole tree of a message, for code that has no Lua state.
//!
//! `decode(&encode(&values)?)` gives `values` back exactly; the other way round only what the
//! values mean is kept, since a reader also accepts longer forms than a writer uses.

use super::{DEPTH_MAX, DecodeError, Decoder, EncodeError, Encoder, Fault, Token};

/// One value of a message.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Value {
    /// nil.
    #[default]
    Nil,
    /// A boolean.
    Boolean(bool),
    /// A Lua integer.
    Integer(i64),
    /// A Lua float.
    Float(f64),
    /// A light userdata: an address that means something in the process that wrote it.
    Pointer(u64),
    /// A string of any bytes.
    String(Vec<u8>),
    /// A table.
    Table(Table),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.as_bytes().to_vec())
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Boolean(flag)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

/// The content of a table, in the order of the bytes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// The values at 1, 2, 3 and so on; nil is a hole.
    pub array: Vec<Value>,
    /// The other keys and their values. No key is nil; a later pair overrides an earlier one.
    pub pairs: Vec<(Value, Value)>,
}

/// Writes the values of one message.
///
/// # Errors
/// [`EncodeError`] when a value has no form in the format or memory is short.
pub fn encode(values: &[Value]) -> Result<Vec<u8>, EncodeError> {
    let mut encoder = Encoder::new();
    encode_all(&mut encoder, values, 0)?;
    Ok(encoder.into_bytes())
}

/// Reads all values of one message.
///
/// # Errors
/// [`DecodeError`] when the bytes are not a message.
pub fn decode(bytes: &[u8]) -> Result<Vec<Value>, DecodeError> {
    let mut decoder = Decoder::new(bytes);
    let mut values = Vec::new();
    while !decoder.is_empty() {
        values.push(decode_one(&mut decoder, 0)?);
    }
    Ok(values)
}

fn encode_all(encoder: &mut Encoder, values: &[Value], depth: u32) -> Result<(), EncodeError> {
    values.iter().try_for_each(|value| encode_one(encoder, value, depth))
}

fn encode_one(encoder: &mut Encoder, value: &Value, depth: u32) -> Result<(), EncodeError> {
    if depth > DEPTH_MAX {
        return Err(EncodeError::TooDeep);
    }
    match value {
        Value::Nil => encoder.nil(),
        Value::Boolean(value) => encoder.boolean(*value),
        Value::Integer(value) => encoder.integer(*value),
        Value::Float(value) => encoder.float(*value),
        Value::Pointer(address) => encoder.pointer(*address),
        Value::String(text) => encoder.string(text),
        Value::Table(table) => encode_table(encoder, table, depth + 1),
    }
}

fn encode_table(encoder: &mut Encoder, table: &Table, depth: u32) -> Result<(), EncodeError> {
    encoder.table(table.array.len())?;
    encode_all(encoder, &table.array, depth)?;
    for (key, value) in &table.pairs {
        if *key == Value::Nil {
            return Err(EncodeError::NilKey);
        }
        encode_one(encoder, key, depth)?;
        encode_one(encoder, value, depth)?;
    }
    encoder.nil()
}

fn decode_one(decoder: &mut Decoder<'_>, depth: u32) -> Result<Value, DecodeError> {
    let token = decoder.token()?;
    value_of(decoder, token, depth)
}

/// Completes the value that a token began.
fn value_of(decoder: &mut Decoder<'_>, token: Token<'_>, depth: u32) -> Result<Value, DecodeError> {
    if depth > DEPTH_MAX {
        return Err(decoder.error(Fault::TooDeep));
    }
    Ok(match token {
        Token::Nil => Value::Nil,
        Token::Boolean(value) => Value::Boolean(value),
        Token::Integer(value) => Value::Integer(value),
        Token::Float(value) => Value::Float(value),
        Token::Pointer(address) => Value::Pointer(address),
        Token::String(text) => Value::String(text.to_vec()),
        Token::Table(array_len) => Value::Table(decode_table(decoder, array_len, depth + 1)?),
    })
}

fn decode_table(
    decoder: &mut Decoder<'_>,
    array_len: u64,
    depth: u32,
) -> Result<Table, DecodeError> {
    let mut array = Vec::with_capacity(decoder.reserve(array_len));
    for _ in 0..array_len {
        array.push(decode_one(decoder, depth)?);
    }
    let mut pairs = Vec::new();
    loop {
        let key = decoder.token()?;
        if key == Token::Nil {
            return Ok(Table { array, pairs });
        }
        let key = value_of(decoder, key, depth)?;
        pairs.push((key, decode_one(decoder, depth)?));
    }
}
