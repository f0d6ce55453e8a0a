//! Moves over items without reading them, to count the pairs of a table before it is made.
//!
//! A table that is made with the right size is not rebuilt while it is filled, which saves more
//! than this costs. Each level of nesting is looked through once more, so a byte is passed at most
//! [`DEPTH_MAX`] times.

use super::{DEPTH_MAX, Decoder, Token, cookie, kind};

/// For each tag the count of bytes behind it, or [`LONG`].
static FOLLOWING: [u8; 256] = following();

/// An item whose size its tag does not tell, or a tag that means nothing.
const LONG: u8 = u8::MAX;

const fn following() -> [u8; 256] {
    let mut sizes = [LONG; 256];
    let mut at = 0;
    while at < 256 {
        let (kind, cookie) = (at as u8 & 7, at as u8 >> 3);
        sizes[at] = match (kind, cookie) {
            (kind::NIL | kind::BOOLEAN, _) => 0,
            (kind::NUMBER, cookie::ZERO | cookie::U8 | cookie::U16 | cookie::I32) => cookie,
            (kind::NUMBER, cookie::I64 | cookie::F64) | (kind::POINTER, _) => 8,
            (kind::SHORT_STRING, _) => cookie,
            _ => LONG,
        };
        at += 1;
    }
    sizes
}

/// A cursor that gives up with `None` where a reader would find a fault.
pub(super) struct Skipper<'a> {
    pub(super) rest: &'a [u8],
}

impl Skipper<'_> {
    /// Passes `count` values at the level `depth`.
    pub(super) fn values(&mut self, count: u64, depth: u32) -> Option<()> {
        (0..count).try_for_each(|_| self.value(depth))
    }

    /// Passes the pairs of a table, and its end if it has one, and returns how many they are.
    pub(super) fn pairs(&mut self, depth: u32) -> usize {
        let mut pairs = 0;
        while !self.at_end_of_table() && self.value(depth).is_some() && self.value(depth).is_some()
        {
            pairs += 1;
        }
        pairs
    }

    #[inline]
    fn at_end_of_table(&mut self) -> bool {
        match self.rest.split_first() {
            Some((tag, rest)) if tag & 7 == kind::NIL => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    #[inline(always)]
    fn value(&mut self, depth: u32) -> Option<()> {
        let (&tag, rest) = self.rest.split_first()?;
        let following = FOLLOWING[tag as usize];
        if following == LONG {
            return self.long_value(depth);
        }
        self.rest = rest.get(following as usize..)?;
        Some(())
    }

    /// Passes a value whose tag is the next byte and does not tell its size.
    fn long_value(&mut self, depth: u32) -> Option<()> {
        let mut decoder = Decoder::new(self.rest);
        let token = decoder.token().ok()?;
        self.rest = decoder.rest();
        match token {
            Token::Table(array_len) => self.table(array_len, depth + 1),
            _ => Some(()),
        }
    }

    fn table(&mut self, array_len: u64, depth: u32) -> Option<()> {
        if depth > DEPTH_MAX + 1 {
            return None;
        }
        self.values(array_len, depth)?;
        self.pairs(depth);
        Some(())
    }
}
