//! The address of a service: a node id (harbor) in the top byte and an index below it.
//!
//! Spec: runtime section 3.

use std::fmt;

/// The address of a service, as Lua sees it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Address(u32);

impl Address {
    /// Nobody, or the runtime itself: the source of timers and of the runtime's own messages.
    pub const NOBODY: Address = Address(0);
    /// The largest index of a service within its node.
    pub const INDEX_MAX: u32 = 0x00ff_ffff;

    /// Makes an address of its 32 bits.
    pub const fn new(bits: u32) -> Self {
        Self(bits)
    }

    /// Puts a node id and an index together.
    pub const fn of(harbor: u8, index: u32) -> Self {
        Self((harbor as u32) << 24 | (index & Self::INDEX_MAX))
    }

    /// Returns the 32 bits.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Returns the node id.
    pub const fn harbor(self) -> u8 {
        (self.0 >> 24) as u8
    }

    /// Returns the index within the node.
    pub const fn index(self) -> u32 {
        self.0 & Self::INDEX_MAX
    }

    /// Reads `:hex`. Any number of digits; reading stops at the first character that is none.
    ///
    /// Returns `None` when the text does not start with a colon.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(':')?;
        let bits = digits
            .chars()
            .map_while(|c| c.to_digit(16))
            .fold(0u32, |bits, digit| bits.wrapping_shl(4) | digit);
        Some(Self(bits))
    }
}

/// `:%08x`, the form of log lines and of `skynet.address`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ":{:08x}", self.0)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harbor_and_index_are_the_top_byte_and_the_rest() {
        let address = Address::of(0x12, 0x34_5678);
        assert_eq!(address.bits(), 0x1234_5678);
        assert_eq!((address.harbor(), address.index()), (0x12, 0x34_5678));
    }

    #[test]
    fn text_is_eight_lower_case_digits() {
        assert_eq!(Address::new(0xAB).to_string(), ":000000ab");
    }

    #[test]
    fn parse_takes_any_case_and_stops_at_the_first_other_character() {
        assert_eq!(Address::parse(":8"), Some(Address::new(8)));
        assert_eq!(Address::parse(":0000000A"), Some(Address::new(10)));
        assert_eq!(Address::parse(":ffxyz"), Some(Address::new(255)));
        assert_eq!(Address::parse(":"), Some(Address::NOBODY));
        assert_eq!(Address::parse("8"), None);
        assert_eq!(Address::parse(".name"), None);
    }
}
