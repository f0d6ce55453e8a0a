//! Single items of a message: slots, and what stands in its data. Nothing here trusts a byte.

use thiserror::Error;

/// The bytes are not a message of their type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("decode error")]
pub struct Malformed;

/// A field as it stands in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot<'a> {
    /// The value is in the slot.
    Inline(u16),
    /// The value is an item of the data.
    Data(&'a [u8]),
}

/// The fields of one struct, in the order of their tags.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    slots: &'a [[u8; 2]],
    data: &'a [u8],
    /// The tag that the next slot stands for, if it is not a gap.
    tag: u32,
}

impl<'a> Fields<'a> {
    /// Reads the count of slots; the data are all bytes behind them.
    ///
    /// # Errors
    /// When the bytes end before the slots do.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (count, rest) = bytes.split_first_chunk().ok_or(Malformed)?;
        let count = usize::from(u16::from_le_bytes(*count));
        let (slots, data) = rest.split_at_checked(2 * count).ok_or(Malformed)?;
        Ok(Self { slots: slots.as_chunks().0, data, tag: 0 })
    }

    /// Returns the next field with its tag, `None` behind the last one.
    ///
    /// # Errors
    /// When an item goes beyond the data.
    #[inline]
    pub fn next_field(&mut self) -> Result<Option<(u32, Slot<'a>)>, Malformed> {
        while let Some((word, rest)) = self.slots.split_first() {
            let word = u16::from_le_bytes(*word);
            self.slots = rest;
            if word & 1 == 1 {
                self.tag += u32::from(word / 2) + 1;
                continue;
            }
            let tag = self.tag;
            self.tag += 1;
            let slot = match word {
                0 => Slot::Data(take_item(&mut self.data)?),
                _ => Slot::Inline(word / 2 - 1),
            };
            return Ok(Some((tag, slot)));
        }
        Ok(None)
    }

    /// Returns how many fields are left.
    pub fn count(&self) -> usize {
        self.slots.iter().filter(|word| word[0] & 1 == 0).count()
    }

    /// Returns how many slots are left.
    pub fn slots(&self) -> usize {
        self.slots.len()
    }

    /// Returns the data that no field took so far.
    pub fn rest(&self) -> &'a [u8] {
        self.data
    }
}

/// Takes an item off the front of the data: 32 bits of length, and the bytes.
fn take_item<'a>(data: &mut &'a [u8]) -> Result<&'a [u8], Malformed> {
    let (len, rest) = data.split_first_chunk().ok_or(Malformed)?;
    let len = usize::try_from(u32::from_le_bytes(*len)).map_err(|_| Malformed)?;
    let (item, rest) = rest.split_at_checked(len).ok_or(Malformed)?;
    *data = rest;
    Ok(item)
}

/// The elements of an array of strings or structs.
#[derive(Debug, Clone, Copy)]
pub struct Items<'a>(&'a [u8]);

impl<'a> Items<'a> {
    /// Takes the bytes of an array.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Returns the next element, `None` behind the last one.
    ///
    /// # Errors
    /// When the element goes beyond the array.
    #[inline]
    pub fn next_item(&mut self) -> Result<Option<&'a [u8]>, Malformed> {
        match self.0 {
            [] => Ok(None),
            _ => take_item(&mut self.0).map(Some),
        }
    }

    /// Returns how many elements are left, as far as the bytes are sound.
    pub fn count(mut self) -> usize {
        std::iter::from_fn(|| self.next_item().ok().flatten()).count()
    }
}

/// The elements of an array of numbers, all of one width.
#[derive(Debug, Clone, Copy)]
pub enum Numbers<'a> {
    /// 32 bits, signed.
    Narrow(&'a [[u8; 4]]),
    /// 64 bits, integers or floats.
    Wide(&'a [[u8; 8]]),
}

impl<'a> Numbers<'a> {
    /// Reads the width of the elements.
    ///
    /// # Errors
    /// When the width is unknown or the last element is cut off.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (width, rest) = match bytes {
            [] | [_] => return Ok(Numbers::Narrow(&[])),
            [width, rest @ ..] => (width, rest),
        };
        match (width, rest.as_chunks(), rest.as_chunks()) {
            (4, (elements, []), _) => Ok(Numbers::Narrow(elements)),
            (8, _, (elements, [])) => Ok(Numbers::Wide(elements)),
            _ => Err(Malformed),
        }
    }

    /// Returns how many elements there are.
    pub fn count(&self) -> usize {
        match self {
            Numbers::Narrow(elements) => elements.len(),
            Numbers::Wide(elements) => elements.len(),
        }
    }
}

/// Reads an integer.
///
/// # Errors
/// When it has neither 32 nor 64 bits.
#[inline]
pub fn integer(slot: Slot<'_>) -> Result<i64, Malformed> {
    match slot {
        Slot::Inline(value) => Ok(value.into()),
        Slot::Data(bytes) => match (bytes.try_into(), bytes.try_into()) {
            (Ok(bytes), _) => Ok(i32::from_le_bytes(bytes).into()),
            (_, Ok(bytes)) => Ok(i64::from_le_bytes(bytes)),
            _ => Err(Malformed),
        },
    }
}

/// Reads a float.
///
/// # Errors
/// When it has not 64 bits.
pub fn double(slot: Slot<'_>) -> Result<f64, Malformed> {
    match slot {
        Slot::Data(bytes) => bytes.try_into().map(f64::from_le_bytes).map_err(|_| Malformed),
        Slot::Inline(_) => Err(Malformed),
    }
}

/// Reads a boolean.
///
/// # Errors
/// When it does not stand in a slot.
pub fn boolean(slot: Slot<'_>) -> Result<bool, Malformed> {
    match slot {
        Slot::Inline(value) => Ok(value != 0),
        Slot::Data(_) => Err(Malformed),
    }
}
