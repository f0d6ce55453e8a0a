//! Counts the pairs of tables before they are made, by moving over items without reading them.
//!
//! A table that is made with the right size is not rebuilt while it is filled, which saves more
//! than this costs. One look ahead counts a table and those inside it, as far as there is room to
//! remember; their reader then asks for them one by one, in the order of their tags.

use super::{DEPTH_MAX, Decoder, SHORT_ARRAY_MAX, Token, cookie, kind};

/// How many tables one look ahead remembers. A table behind that many looks ahead again, so bytes
/// are passed at most once for each level of tables around them.
const AHEAD_MAX: usize = 32;
/// A longer array is not passed to count the pairs behind it: that would cost more than growing
/// the hash part.
const ARRAY_LEN_MAX: u64 = 32;

/// The counts that the last look ahead found.
#[derive(Debug)]
pub struct PairCounts {
    counts: [u32; AHEAD_MAX],
    known: usize,
    used: usize,
}

impl Default for PairCounts {
    fn default() -> PairCounts {
        PairCounts::new()
    }
}

impl PairCounts {
    /// Makes an empty memory.
    pub const fn new() -> PairCounts {
        PairCounts { counts: [0; AHEAD_MAX], known: 0, used: 0 }
    }

    /// Returns the count of pairs of the table whose array starts at the decoder's place; its
    /// values are at the level `depth`. It is asked once for each table, in the order of tags.
    ///
    /// Malformed bytes end the count, and whoever reads them finds the fault. It never tells more
    /// pairs than there are bytes.
    #[inline]
    pub fn of_next(&mut self, decoder: &Decoder<'_>, array_len: u64, depth: u32) -> u32 {
        if self.used == self.known {
            if array_len > ARRAY_LEN_MAX {
                return 0;
            }
            self.look_ahead(decoder, array_len, depth);
        }
        self.used += 1;
        self.counts[self.used - 1]
    }

    #[inline(never)]
    fn look_ahead(&mut self, decoder: &Decoder<'_>, array_len: u64, depth: u32) {
        (self.known, self.used) = (0, 0);
        // What it finds out is in the counts, also when it meets a fault.
        let _ = Skipper { rest: decoder.rest(), counts: self }.table(array_len, depth);
    }
}

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
struct Skipper<'a> {
    rest: &'a [u8],
    counts: &'a mut PairCounts,
}

impl Skipper<'_> {
    /// Passes a table from its array on and notes its pairs.
    fn table(&mut self, array_len: u64, depth: u32) -> Option<()> {
        let place = self.counts.known;
        if place < AHEAD_MAX {
            self.counts.known += 1;
            self.counts.counts[place] = 0;
        }
        if depth > DEPTH_MAX + 1 {
            return None;
        }
        for _ in 0..array_len {
            self.value(depth)?;
        }
        let pairs = self.pairs(depth)?;
        if place < AHEAD_MAX {
            self.counts.counts[place] = pairs;
        }
        Some(())
    }

    /// Passes the pairs of a table and its end, and returns how many they are.
    fn pairs(&mut self, depth: u32) -> Option<u32> {
        let mut pairs = 0;
        while !self.at_end_of_table() {
            self.value(depth)?;
            self.value(depth)?;
            pairs += 1;
        }
        Some(pairs)
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
            return self.long_value(tag, depth);
        }
        self.rest = rest.get(following as usize..)?;
        Some(())
    }

    /// Passes the value whose tag is the next byte and does not tell its size.
    fn long_value(&mut self, tag: u8, depth: u32) -> Option<()> {
        let array_len = tag as u64 >> 3;
        if tag & 7 == kind::TABLE && array_len <= SHORT_ARRAY_MAX as u64 {
            self.rest = &self.rest[1..];
            return self.table(array_len, depth + 1);
        }
        let mut decoder = Decoder::new(self.rest);
        let token = decoder.token().ok()?;
        self.rest = decoder.rest();
        match token {
            Token::Table(array_len) => self.table(array_len, depth + 1),
            _ => Some(()),
        }
    }
}
