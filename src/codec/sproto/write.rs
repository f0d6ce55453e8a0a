//! Writes messages, struct by struct.
//!
//! A struct is opened with room for as many slots as its type can need; when it is closed, its
//! data move to where the slots really end.

use thiserror::Error;

use super::{BYTES_MAX, INLINE_MAX};

/// Why a message cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WriteError {
    /// It has more than [`BYTES_MAX`] bytes.
    #[error("object is too large (>16777216)")]
    TooLarge,
    /// Two tags are too far from each other for the slot between them.
    #[error("encode error")]
    Gap,
}

/// Returns the integer that stands for a number with so many decimal digits.
pub fn scaled(number: f64, digits: u8) -> i64 {
    (number * 10f64.powi(digits.into())).round() as i64
}

/// A struct, or an item, that is being written.
#[derive(Debug)]
pub struct Open {
    start: usize,
    room: usize,
    used: usize,
    next_tag: u32,
}

/// A message under way.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Makes an empty one.
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Returns what was written.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets what was written, and gives memory above `kept` bytes back.
    pub fn reset(&mut self, kept: usize) {
        self.bytes.clear();
        self.bytes.shrink_to(kept);
    }

    /// Returns how much was written, for [`Self::back_to`].
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Tells whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Forgets what was written behind the first `len` bytes.
    pub fn back_to(&mut self, len: usize) {
        self.bytes.truncate(len);
    }

    /// Begins a struct with at most `room` slots.
    pub fn open(&mut self, room: usize) -> Open {
        let start = self.bytes.len();
        self.bytes.resize(start + 2 + 2 * room, 0);
        Open { start, room, used: 0, next_tag: 0 }
    }

    /// Ends a struct.
    pub fn close(&mut self, open: Open) {
        let data = open.start + 2 + 2 * open.room;
        let slots = open.start + 2 + 2 * open.used;
        self.bytes[open.start..open.start + 2].copy_from_slice(&(open.used as u16).to_le_bytes());
        if slots < data {
            self.bytes.copy_within(data.., slots);
            self.bytes.truncate(self.bytes.len() - (data - slots));
        }
    }

    /// Writes the slot of the field `tag`; tags rise.
    fn slot(&mut self, open: &mut Open, tag: u16, word: u16) -> Result<(), WriteError> {
        if let Some(gap) = u32::from(tag).checked_sub(open.next_tag + 1) {
            let skip = u16::try_from(2 * gap + 1).map_err(|_| WriteError::Gap)?;
            self.word(open, skip)?;
        }
        open.next_tag = u32::from(tag) + 1;
        self.word(open, word)
    }

    /// Writes a slot that stands for one tag without a value.
    pub(super) fn gap(&mut self, open: &mut Open) -> Result<(), WriteError> {
        open.next_tag += 1;
        self.word(open, 1)
    }

    fn word(&mut self, open: &mut Open, word: u16) -> Result<(), WriteError> {
        let at = open.start + 2 + 2 * open.used;
        if open.used == open.room {
            return Err(WriteError::Gap);
        }
        self.bytes[at..at + 2].copy_from_slice(&word.to_le_bytes());
        open.used += 1;
        Ok(())
    }

    /// Writes a small value into the slot itself.
    fn inline(&mut self, open: &mut Open, tag: u16, value: u16) -> Result<(), WriteError> {
        self.slot(open, tag, (value + 1) * 2)
    }

    /// Writes an integer field.
    ///
    /// # Errors
    /// As [`WriteError`] says; so for all that follow.
    #[inline]
    pub fn integer(&mut self, open: &mut Open, tag: u16, value: i64) -> Result<(), WriteError> {
        if (0..=INLINE_MAX).contains(&value) {
            return self.inline(open, tag, value as u16);
        }
        self.slot(open, tag, 0)?;
        match i32::try_from(value) {
            Ok(value) => self.item(&value.to_le_bytes()),
            Err(_) => self.item(&value.to_le_bytes()),
        }
    }

    /// Writes a boolean field.
    pub fn boolean(&mut self, open: &mut Open, tag: u16, value: bool) -> Result<(), WriteError> {
        self.inline(open, tag, value.into())
    }

    /// Writes a float field.
    pub fn double(&mut self, open: &mut Open, tag: u16, value: f64) -> Result<(), WriteError> {
        self.data(open, tag, &value.to_le_bytes())
    }

    /// Writes a field of bytes.
    #[inline]
    pub fn data(&mut self, open: &mut Open, tag: u16, bytes: &[u8]) -> Result<(), WriteError> {
        self.slot(open, tag, 0)?;
        self.item(bytes)
    }

    /// Begins a field whose content is written next; its place is for [`Writer::end`].
    pub fn begin(&mut self, open: &mut Open, tag: u16) -> Result<usize, WriteError> {
        self.slot(open, tag, 0)?;
        self.begin_item()
    }

    /// Begins an item of an array, whose content is written next.
    pub fn begin_item(&mut self) -> Result<usize, WriteError> {
        self.put(&[0; 4])?;
        Ok(self.bytes.len())
    }

    /// Ends what was begun at a place: its length is known now.
    pub fn end(&mut self, place: usize) {
        let len = (self.bytes.len() - place) as u32;
        self.bytes[place - 4..place].copy_from_slice(&len.to_le_bytes());
    }

    /// Writes an item of an array.
    #[inline]
    pub fn item(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.put(&(bytes.len() as u32).to_le_bytes())?;
        self.put(bytes)
    }

    /// Writes bytes as they are.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        if bytes.len() > BYTES_MAX - self.bytes.len().min(BYTES_MAX) {
            return Err(WriteError::TooLarge);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Adds an integer to the array of them that was begun at `place`. The first that needs 64
    /// bits makes all of them as wide.
    #[inline]
    pub fn element(&mut self, place: usize, value: i64) -> Result<(), WriteError> {
        if self.bytes.len() == place {
            self.put(&[4])?;
        }
        if self.bytes[place] == 8 {
            return self.put(&value.to_le_bytes());
        }
        match i32::try_from(value) {
            Ok(value) => self.put(&value.to_le_bytes()),
            Err(_) => {
                self.widen(place)?;
                self.put(&value.to_le_bytes())
            }
        }
    }

    #[cold]
    fn widen(&mut self, place: usize) -> Result<(), WriteError> {
        let narrow = self.bytes.split_off(place + 1);
        self.bytes[place] = 8;
        for element in narrow.as_chunks().0 {
            self.put(&i64::from(i32::from_le_bytes(*element)).to_le_bytes())?;
        }
        Ok(())
    }

    /// Adds a float to the array of them that was begun at `place`.
    #[inline]
    pub fn double_element(&mut self, place: usize, value: f64) -> Result<(), WriteError> {
        if self.bytes.len() == place {
            self.put(&[8])?;
        }
        self.put(&value.to_le_bytes())
    }
}
