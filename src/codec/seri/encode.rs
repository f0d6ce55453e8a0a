//! Writes single items of the format into one growing byte buffer.
//!
//! The Lua bindings call it once for each value, so each method reserves the most its item can
//! take, writes whole words into the spare capacity and moves the length once. It checks neither
//! the nesting nor that tables are closed: its callers walk a tree and know.

use super::{SHORT_ARRAY_MAX, SHORT_STRING_MAX, cookie, kind, tag};

/// Why a value cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A value stands below more tables than [`super::DEPTH_MAX`].
    #[error("serialize can't pack too depth table")]
    TooDeep,
    /// A string does not fit a 32-bit length.
    #[error("string is too long to serialize")]
    StringTooLong,
    /// A key of a table is nil, which is the mark of the table's end.
    #[error("table index is nil")]
    NilKey,
    /// The buffer cannot grow.
    #[error("not enough memory")]
    OutOfMemory,
}

/// The most bytes that a tag with a number can take.
const NUMBER_BYTES_MAX: usize = 9;
/// The most bytes that the tag and the length of a string can take.
const STRING_HEAD_BYTES_MAX: usize = 5;

/// Appends items to a byte buffer that it owns.
#[derive(Debug, Default)]
pub struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    /// Makes an encoder with an empty buffer; nothing is allocated yet.
    pub const fn new() -> Encoder {
        Encoder { bytes: Vec::new() }
    }

    /// Returns what was written so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Takes the buffer out.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Returns how many bytes the buffer can hold before it grows.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Forgets what was written and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Forgets what was written behind the first `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        self.bytes.truncate(len);
    }

    /// Writes nil, which as a key ends a table.
    ///
    /// # Errors
    /// [`EncodeError::OutOfMemory`].
    #[inline]
    pub fn nil(&mut self) -> Result<(), EncodeError> {
        self.byte(tag(kind::NIL, 0))
    }

    /// Writes a boolean.
    ///
    /// # Errors
    /// [`EncodeError::OutOfMemory`].
    #[inline]
    pub fn boolean(&mut self, value: bool) -> Result<(), EncodeError> {
        self.byte(tag(kind::BOOLEAN, value as u8))
    }

    /// Writes an integer in its shortest form.
    ///
    /// # Errors
    /// [`EncodeError::OutOfMemory`].
    #[inline]
    pub fn integer(&mut self, value: i64) -> Result<(), EncodeError> {
        let (form, width) = integer_form(value);
        self.number(form, value as u64, width)
    }

    /// Writes a float.
    ///
    /// # Errors
    /// [`EncodeError::OutOfMemory`].
    #[inline]
    pub fn float(&mut self, value: f64) -> Result<(), EncodeError> {
        self.number(tag(kind::NUMBER, cookie::F64), value.to_bits(), 8)
    }

    /// Writes an address of this process.
    ///
    /// # Errors
    /// [`EncodeError::OutOfMemory`].
    #[inline]
    pub fn pointer(&mut self, address: u64) -> Result<(), EncodeError> {
        self.number(tag(kind::POINTER, 0), address, 8)
    }

    /// Writes a string.
    ///
    /// # Errors
    /// [`EncodeError::OutOfMemory`], [`EncodeError::StringTooLong`].
    #[inline]
    pub fn string(&mut self, text: &[u8]) -> Result<(), EncodeError> {
        let start = self.room(STRING_HEAD_BYTES_MAX + text.len())?;
        let head = string_head(text.len())?;
        // SAFETY:
        // - `room` made the head's most plus the text's length writable at `start`.
        // - the text cannot overlap spare capacity that this encoder owns.
        // - everything up to the new length was written.
        unsafe {
            start.cast::<u64>().write_unaligned(head.word.to_le());
            let body = start.add(head.len);
            std::ptr::copy_nonoverlapping(text.as_ptr(), body, text.len());
            self.advance(head.len + text.len());
        }
        Ok(())
    }

    /// Writes the head of a string whose bytes the caller puts behind it by itself.
    ///
    /// # Errors
    /// [`EncodeError::OutOfMemory`], [`EncodeError::StringTooLong`].
    pub fn string_head(&mut self, len: usize) -> Result<(), EncodeError> {
        let head = string_head(len)?;
        let start = self.room(STRING_HEAD_BYTES_MAX)?;
        // SAFETY:
        // - `room` made at least eight bytes writable at `start`.
        // - the head's bytes were written before the length moves over them.
        unsafe {
            start.cast::<u64>().write_unaligned(head.word.to_le());
            self.advance(head.len);
        }
        Ok(())
    }

    /// Opens a table of `array_len` array values; those follow, then key and value in turn, then
    /// [`Encoder::nil`].
    ///
    /// # Errors
    /// [`EncodeError::OutOfMemory`].
    #[inline]
    pub fn table(&mut self, array_len: usize) -> Result<(), EncodeError> {
        if array_len <= SHORT_ARRAY_MAX {
            return self.byte(tag(kind::TABLE, array_len as u8));
        }
        self.byte(tag(kind::TABLE, cookie::LONG_ARRAY))?;
        self.integer(array_len as i64)
    }

    /// Appends `len` bytes that `write` puts at the address it gets.
    ///
    /// # Errors
    /// [`EncodeError::OutOfMemory`].
    ///
    /// # Safety
    /// `write` writes all `len` bytes and no other.
    pub(crate) unsafe fn append_with(
        &mut self,
        len: usize,
        write: impl FnOnce(*mut u8),
    ) -> Result<(), EncodeError> {
        write(self.room(len)?);
        // SAFETY:
        // - `room` made `len` bytes writable.
        // - the caller promises that they were written.
        unsafe { self.advance(len) }
        Ok(())
    }

    #[inline]
    fn byte(&mut self, byte: u8) -> Result<(), EncodeError> {
        let start = self.room(1)?;
        // SAFETY:
        // - `room` made a byte writable at `start`.
        // - it was written before the length moves over it.
        unsafe {
            start.write(byte);
            self.advance(1);
        }
        Ok(())
    }

    /// Writes a tag and the low `width` bytes of `word`.
    #[inline]
    fn number(&mut self, tag: u8, word: u64, width: usize) -> Result<(), EncodeError> {
        let start = self.room(NUMBER_BYTES_MAX)?;
        // SAFETY:
        // - `room` made the tag and a whole word writable at `start`; `width` is at most 8.
        // - those bytes were written before the length moves over them.
        unsafe {
            start.write(tag);
            start.add(1).cast::<u64>().write_unaligned(word.to_le());
            self.advance(1 + width);
        }
        Ok(())
    }

    /// Makes `more` bytes, and never fewer than eight, writable and returns where they start.
    #[inline]
    fn room(&mut self, more: usize) -> Result<*mut u8, EncodeError> {
        let more = more.max(8);
        if self.bytes.capacity() - self.bytes.len() < more {
            self.grow(more)?;
        }
        Ok(self.bytes.spare_capacity_mut().as_mut_ptr().cast())
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, more: usize) -> Result<(), EncodeError> {
        self.bytes.try_reserve(more.max(GROWTH_BYTES_MIN)).map_err(|_| EncodeError::OutOfMemory)
    }

    /// Moves the length over bytes that were written.
    ///
    /// # Safety
    /// `count` bytes behind the length lie inside the capacity and were written.
    #[inline]
    unsafe fn advance(&mut self, count: usize) {
        let len = self.bytes.len() + count;
        // SAFETY: the caller's promise is the precondition.
        unsafe { self.bytes.set_len(len) }
    }
}

/// The first growth of a buffer: most messages fit it.
const GROWTH_BYTES_MIN: usize = 512;

/// Returns the tag of an integer and the width of the bytes that follow it.
#[inline]
fn integer_form(value: i64) -> (u8, usize) {
    let (cookie, width) = match value {
        0 => (cookie::ZERO, 0),
        1..=0xff => (cookie::U8, 1),
        0x100..=0xffff => (cookie::U16, 2),
        -0x8000_0000..=0x7fff_ffff => (cookie::I32, 4),
        _ => (cookie::I64, 8),
    };
    (tag(kind::NUMBER, cookie), width)
}

/// The tag and length of a string: the low `len` bytes of `word`.
struct StringHead {
    word: u64,
    len: usize,
}

#[inline]
fn string_head(text_len: usize) -> Result<StringHead, EncodeError> {
    if text_len <= SHORT_STRING_MAX {
        return Ok(StringHead { word: tag(kind::SHORT_STRING, text_len as u8) as u64, len: 1 });
    }
    let (cookie, len) = match text_len {
        0..=0xffff => (cookie::U16, 3),
        0x1_0000..=0xffff_ffff => (cookie::U32, 5),
        _ => return Err(EncodeError::StringTooLong),
    };
    Ok(StringHead { word: tag(kind::LONG_STRING, cookie) as u64 | (text_len as u64) << 8, len })
}
