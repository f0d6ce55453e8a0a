//! Reads single items of the format from a byte slice.
//!
//! The Lua bindings call it once for each value. It owns nothing and can be copied, so a Lua error
//! may leave through a frame that holds one. It checks neither the nesting nor that tables end:
//! its callers walk the tree and know.

use super::skip::Skipper;
use super::{cookie, kind, tag};

/// What is wrong with the bytes; the discriminant is the stable number in the error text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The bytes end where a value or a key must start.
    ValueMissing = 1,
    /// The type of a tag is 7.
    UnknownType = 2,
    /// The cookie of a number is none of 0, 1, 2, 4, 6 and 8.
    UnknownNumber = 3,
    /// The bytes end inside a number.
    NumberTruncated = 4,
    /// The bytes end inside a pointer.
    PointerTruncated = 5,
    /// The bytes end inside a string.
    StringTruncated = 6,
    /// The cookie of a long string is neither 2 nor 4.
    UnknownStringLength = 7,
    /// The bytes end inside the length of a string.
    StringLengthTruncated = 8,
    /// The bytes end where the length of an array must start.
    ArrayLengthMissing = 9,
    /// The length of an array is not an integer.
    ArrayLengthNotInteger = 10,
    /// A value stands below more tables than [`super::DEPTH_MAX`].
    TooDeep = 11,
}

/// Says what is wrong and how many bytes were unread when it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Invalid serialize stream {left} (line:{})", *fault as u8)]
pub struct DecodeError {
    /// What is wrong.
    pub fault: Fault,
    /// The bytes behind the last one that was used.
    pub left: usize,
}

/// One item.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Token<'a> {
    /// nil; as a key, the end of a table.
    Nil,
    /// A boolean.
    Boolean(bool),
    /// An integer.
    Integer(i64),
    /// A float.
    Float(f64),
    /// An address of the process that wrote it.
    Pointer(u64),
    /// A string.
    String(&'a [u8]),
    /// The head of a table with the claimed length of its array: that many values follow, then
    /// key and value in turn until a key is nil. The claim may be far more than there are bytes.
    Table(u64),
}

/// A number, as a [`Token`] that can be nothing else.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// An integer.
    Integer(i64),
    /// A float.
    Float(f64),
}

const ZERO: u8 = tag(kind::NUMBER, cookie::ZERO);
const U8: u8 = tag(kind::NUMBER, cookie::U8);
const U16: u8 = tag(kind::NUMBER, cookie::U16);
const I32: u8 = tag(kind::NUMBER, cookie::I32);
const I64: u8 = tag(kind::NUMBER, cookie::I64);
const F64: u8 = tag(kind::NUMBER, cookie::F64);

/// Reads items one by one.
#[derive(Debug, Clone, Copy)]
pub struct Decoder<'a> {
    rest: &'a [u8],
    /// Slots that may still be reserved ahead, over all tables: each array value takes at least
    /// one byte, so valid bytes never claim more than there were bytes at the start.
    slots: usize,
}

impl<'a> Decoder<'a> {
    /// Starts at the first of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Decoder<'a> {
        Decoder { rest: bytes, slots: bytes.len() }
    }

    /// Returns true when every byte was read.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Returns the bytes that were not read yet.
    #[inline]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Makes the error for a fault at this place.
    #[inline]
    pub const fn error(&self, fault: Fault) -> DecodeError {
        DecodeError { fault, left: self.rest.len() }
    }

    /// Bounds a claimed array length to what may be reserved ahead, and counts it as reserved.
    #[inline]
    pub fn reserve(&mut self, claimed: u64) -> usize {
        let granted = usize::try_from(claimed).unwrap_or(usize::MAX).min(self.slots);
        self.slots -= granted;
        granted
    }

    /// Reads the next item.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes end too early or mean nothing.
    #[inline(always)]
    pub fn token(&mut self) -> Result<Token<'a>, DecodeError> {
        let Some((&tag, rest)) = self.rest.split_first() else {
            return Err(self.error(Fault::ValueMissing));
        };
        self.rest = rest;
        let cookie = tag >> 3;
        match tag & 7 {
            kind::NIL => Ok(Token::Nil),
            kind::BOOLEAN => Ok(Token::Boolean(cookie != 0)),
            kind::NUMBER => self.number_of(cookie),
            kind::POINTER => {
                Ok(Token::Pointer(u64::from_le_bytes(self.take(Fault::PointerTruncated)?)))
            }
            kind::SHORT_STRING => self.string(cookie as usize),
            kind::LONG_STRING => self.long_string(cookie),
            kind::TABLE if cookie == cookie::LONG_ARRAY => self.long_table(),
            kind::TABLE => Ok(Token::Table(cookie as u64)),
            _ => Err(self.error(Fault::UnknownType)),
        }
    }

    /// Reads the next item if it is a number, and eight bytes or more follow its tag.
    ///
    /// It is what [`Decoder::token`] would read, with one look at the tag and at the bytes left;
    /// messages are mostly numbers.
    #[inline(always)]
    pub fn number(&mut self) -> Option<Number> {
        let (&tag, rest) = self.rest.split_first()?;
        let word = u64::from_le_bytes(*rest.first_chunk()?);
        let (number, width) = match tag {
            ZERO => (Number::Integer(0), 0),
            U8 => (Number::Integer(word as u8 as i64), 1),
            U16 => (Number::Integer(word as u16 as i64), 2),
            I32 => (Number::Integer(word as i32 as i64), 4),
            I64 => (Number::Integer(word as i64), 8),
            F64 => (Number::Float(f64::from_bits(word)), 8),
            _ => return None,
        };
        self.rest = &rest[width..];
        Some(number)
    }

    /// Reads the next item if it is a short string.
    #[inline(always)]
    pub fn short_string(&mut self) -> Option<&'a [u8]> {
        let (&tag, rest) = self.rest.split_first()?;
        if tag & 7 != kind::SHORT_STRING {
            return None;
        }
        let (text, rest) = rest.split_at_checked((tag >> 3) as usize)?;
        self.rest = rest;
        Some(text)
    }

    /// Counts the key and value pairs of the table whose array starts here, without moving.
    ///
    /// `depth` is the level of its values. Bytes that mean nothing end the count: whoever reads
    /// them finds the fault.
    pub fn count_pairs(&self, array_len: u64, depth: u32) -> usize {
        let mut ahead = Skipper { rest: self.rest };
        match ahead.values(array_len, depth) {
            Some(()) => ahead.pairs(depth),
            None => 0,
        }
    }

    #[inline(always)]
    fn number_of(&mut self, cookie: u8) -> Result<Token<'a>, DecodeError> {
        const CUT: Fault = Fault::NumberTruncated;
        match cookie {
            cookie::ZERO => Ok(Token::Integer(0)),
            cookie::U8 => Ok(Token::Integer(u8::from_le_bytes(self.take(CUT)?) as i64)),
            cookie::U16 => Ok(Token::Integer(u16::from_le_bytes(self.take(CUT)?) as i64)),
            cookie::I32 => Ok(Token::Integer(i32::from_le_bytes(self.take(CUT)?) as i64)),
            cookie::I64 => Ok(Token::Integer(i64::from_le_bytes(self.take(CUT)?))),
            cookie::F64 => Ok(Token::Float(f64::from_le_bytes(self.take(CUT)?))),
            _ => Err(self.error(Fault::UnknownNumber)),
        }
    }

    #[inline]
    fn string(&mut self, len: usize) -> Result<Token<'a>, DecodeError> {
        let Some((text, rest)) = self.rest.split_at_checked(len) else {
            return Err(self.error(Fault::StringTruncated));
        };
        self.rest = rest;
        Ok(Token::String(text))
    }

    #[inline]
    fn long_string(&mut self, cookie: u8) -> Result<Token<'a>, DecodeError> {
        const CUT: Fault = Fault::StringLengthTruncated;
        let len = match cookie {
            cookie::U16 => u16::from_le_bytes(self.take(CUT)?) as usize,
            cookie::U32 => u32::from_le_bytes(self.take(CUT)?) as usize,
            _ => return Err(self.error(Fault::UnknownStringLength)),
        };
        self.string(len)
    }

    #[inline]
    fn long_table(&mut self) -> Result<Token<'a>, DecodeError> {
        let Some((&tag, rest)) = self.rest.split_first() else {
            return Err(self.error(Fault::ArrayLengthMissing));
        };
        self.rest = rest;
        if tag & 7 != kind::NUMBER || tag >> 3 == cookie::F64 {
            return Err(self.error(Fault::ArrayLengthNotInteger));
        }
        match self.number_of(tag >> 3)? {
            Token::Integer(len) => Ok(Token::Table(len.max(0) as u64)),
            _ => Err(self.error(Fault::ArrayLengthNotInteger)),
        }
    }

    #[inline(always)]
    fn take<const N: usize>(&mut self, fault: Fault) -> Result<[u8; N], DecodeError> {
        let Some((bytes, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(self.error(fault));
        };
        self.rest = rest;
        Ok(*bytes)
    }
}
